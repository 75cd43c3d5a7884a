// The histogram the server drew: one stop of the Tab key; mouse and arrow keys stand on a bar, which is shown and read out.
import {el, t} from "/static/shared/base.js";

/** An element for it; `show(chart)` puts another in, and `at` and `back` are along its axis: 0…1 of a score, and a score of that. */
export function histogram() {
  const body = el("div", {class: "chart-body"});
  const tip = el("div", {class: "chart-tip", hidden: true}), said = el("div", {class: "unseen", role: "status", "aria-live": "polite"});
  let here = -1, bars = [], scale = {low: 0, high: 1, log: false};
  const stand = (i) => {
    here = Math.min(bars.length - 1, Math.max(0, i));
    tip.textContent = bars[here].dataset.tip;
    tip.hidden = false;
    const {left, width} = bars[here].getBoundingClientRect(), begin = left + width / 2 + 12 - body.getBoundingClientRect().left;
    tip.style.left = `${Math.min(begin, body.clientWidth - tip.offsetWidth - 2)}px`;
  };
  const hide = () => { tip.hidden = true; };
  body.addEventListener("mousemove", (event) => {
    const bar = event.target.closest("[data-tip]");
    if (bar) stand(bars.indexOf(bar)); else hide();
  });
  body.addEventListener("mouseleave", hide);
  const moves = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1, PageDown: 6, PageUp: -6, Home: -Infinity, End: Infinity};
  const host = el("div", {class: "chart histogram", tabindex: 0, role: "application", "aria-label": t("analysis.histogram"),
    "aria-roledescription": t("analysis.chart"), onblur: hide, onkeydown: (event) => {
      if (!(event.key in moves)) return;
      stand(here + moves[event.key]);
      said.textContent = tip.textContent;
      event.preventDefault();
    }}, body, tip, said);
  const [to, from] = [(value) => (scale.log ? Math.log(value) : value), (value) => (scale.log ? Math.exp(value) : value)];
  const wide = () => to(scale.high) - to(scale.low);
  return {
    host,
    show(chart) {
      scale = chart;
      body.innerHTML = chart.html;
      bars = [...body.querySelectorAll("[data-tip]")];
      hide();
    },
    at: (value) => Math.min(1, Math.max(0, (to(Math.max(value, scale.low)) - to(scale.low)) / wide())),
    back: (share) => from(to(scale.low) + share * wide()),
  };
}
