// What people say a part is, in words.
import {has, t} from "/static/shared/base.js";

/** The name of a type of defect in this language, or as people wrote it. */
export const defectName = (defect) => has(`review.defect_${defect}`) ? t(`review.defect_${defect}`) : defect;

/** A label in words: NG scratch. */
export const labelText = (label) => [t(`review.label_${label.label}`), label.defect ? defectName(label.defect) : null].filter(Boolean).join(" · ");
