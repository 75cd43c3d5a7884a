"""What models are compared with: anomalib, the bare backbone, the memory of a process."""
