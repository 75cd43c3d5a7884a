// A picture looked at closely: wheel and two fingers zoom at the pointer, dragging moves it, a double click shows all of it.

const MOST = 12, STEP = 1.2;

/** Let people zoom and move the layers of a stage; what is given back shows all of it again. */
export function closely(stage) {
  const fingers = new Map();
  let scale = 1, x = 0, y = 0;
  const put = (wanted, left, top) => {
    scale = Math.min(MOST, Math.max(1, wanted));
    x = Math.min(0, Math.max(stage.clientWidth * (1 - scale), left));
    y = Math.min(0, Math.max(stage.clientHeight * (1 - scale), top));
    for (const [name, value] of [["scale", scale], ["x", `${x}px`], ["y", `${y}px`]]) stage.style.setProperty(`--${name}`, value);
    stage.classList.toggle("closer", scale > 1);
  };
  const fit = () => put(1, 0, 0);
  const at = (event) => {
    const {left, top} = stage.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  // The point that was at `from` comes to `to`, `times` as large.
  const move = (times, from, to) => {
    const wanted = Math.min(MOST, Math.max(1, scale * times)), share = wanted / scale;
    put(wanted, to[0] - (from[0] - x) * share, to[1] - (from[1] - y) * share);
  };
  const middle = (points) => [0, 1].map((i) => points.reduce((sum, point) => sum + point[i], 0) / points.length);
  const spread = ([a, b]) => (b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 1);
  stage.addEventListener("wheel", (event) => {
    if (scale === 1 && event.deltaY > 0) return; // a page that scrolls goes on
    event.preventDefault();
    move(event.deltaY < 0 ? STEP : 1 / STEP, at(event), at(event));
  }, {passive: false});
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
  });
  stage.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = [...fingers.values()];
    fingers.set(event.pointerId, at(event));
    const now = [...fingers.values()];
    move(spread(now) / (spread(before) || 1), middle(before), middle(now));
  });
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => fingers.delete(event.pointerId));
  stage.addEventListener("dblclick", fit);
  return fit;
}
