// Light or dark: as the system says, or as a person chose for this browser.
import {el, t} from "/static/shared/base.js";

const NEXT = {auto: "light", light: "dark", dark: "auto"}, SIGN = {auto: "◐", light: "☀", dark: "☾"};
const YEAR_S = 31536000;

/** A button that says which theme it is, and goes on to the next; charts are drawn in it by the page being opened anew. */
export function themeButton() {
  const now = document.documentElement.dataset.theme in NEXT ? document.documentElement.dataset.theme : "dark";
  const says = t(`base.theme_${now}`);
  return el("button", {class: "theme", data: {theme: now}, title: says, "aria-label": says, onclick: () => {
    document.cookie = `theme=${NEXT[now]}; path=/; max-age=${YEAR_S}; samesite=strict`;
    location.reload();
  }}, SIGN[now]);
}
