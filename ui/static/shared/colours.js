// The colours of colours.css as a canvas takes them.

const probe = document.createElement("i");
probe.hidden = true;

/** A colour as the page's theme has it now, in the words of a canvas. */
export function colour(name) {
  if (!probe.isConnected) document.documentElement.append(probe);
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}
