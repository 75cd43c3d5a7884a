// The line at the top of the workbench.
import {el, lang, me, t} from "/static/shared/base.js";
import {hearHelp, showHelp} from "/static/shared/help.js";
import {themeButton} from "/static/shared/theme.js";

/** The line at the top of the workbench: the pages this person may open, language, sign out. */
export function bar(current) {
  const here = me.pages.find(({name}) => name === current);
  if (here) document.title = `${t(here.label)} · ${me.station}`;
  const links = me.pages.map(({name, path, label}) =>
    el("a", {href: path, class: name === current ? "here" : "", "aria-current": name === current ? "page" : null}, t(label)));
  return el("nav", {class: "bar"}, ...links, el("span", {class: "space"}), helpButton(), themeButton(), languages(), who());
}

function helpButton() {
  hearHelp();
  return el("button", {class: "help", title: t("base.help"), "aria-label": t("base.help"), onclick: showHelp}, "?");
}

/** Buttons that change the language of this browser. */
export function languages() {
  const names = {en: "English", ja: "日本語", ko: "한국어"};
  return el("form", {method: "post", action: "/language", class: "languages"},
    el("input", {type: "hidden", name: "next", value: location.pathname}),
    ...Object.entries(names).map(([code, name]) =>
      el("button", {name: "language", value: code, class: code === lang ? "here" : ""}, name)));
}

function who() {
  if (me.role === "operator" && me.user === "operator")
    return el("a", {href: `/login?next=${encodeURIComponent(location.pathname)}`}, t("base.sign_in"));
  return el("form", {method: "post", action: "/logout", class: "who"},
    el("a", {href: "/account"}, me.user), el("button", {}, t("base.sign_out")));
}
