// The line at the top of the workbench: HTML of the server, in which the page we are on is marked.
import {made, me} from "/static/shared/base.js";
import {hearHelp, showHelp} from "/static/shared/help.js";

const YEAR_S = 31536000;

/** The line, for a page by its name. */
export function bar(current) {
  const line = made(me.html_bar).firstElementChild, here = line.querySelector(`[data-page="${current}"]`);
  here?.classList.add("here");
  here?.setAttribute("aria-current", "page");
  if (here) document.title = `${here.textContent} · ${me.station}`;
  line.querySelector("[name=next]").value = location.pathname;
  line.querySelector("[href='/login']")?.setAttribute("href", `/login?next=${encodeURIComponent(location.pathname)}`);
  line.querySelector(".help").onclick = showHelp;
  // Charts are drawn in the theme by the page being opened anew.
  line.querySelector(".theme").onclick = ({target}) => {
    document.cookie = `theme=${target.dataset.next}; path=/; max-age=${YEAR_S}; samesite=strict`;
    location.reload();
  };
  hearHelp();
  return line;
}
