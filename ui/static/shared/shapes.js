// Shapes that a drag draws, as points of a polygon: what keeps them knows polygons only.

const OFF_PX = 0.25;

/** Points around a middle, so many that none of the edge lies farther than OFF_PX from the ellipse. */
function around(x, y, across, down) {
  const most = Math.max(across, down), steps = Math.max(12, Math.ceil(Math.PI / Math.acos(Math.max(0, 1 - OFF_PX / most))));
  return Array.from({length: steps}, (_, i) => 2 * Math.PI * i / steps)
    .map((angle) => [x + across * Math.cos(angle), y + down * Math.sin(angle)]);
}

/** From where a drag began to where it is: boxes and ellipses from corner to corner, circles from the middle outwards. */
export const DRAGGED = {
  box: ([x, y], [u, v]) => [[x, y], [u, y], [u, v], [x, v]],
  ellipse: ([x, y], [u, v]) => around((x + u) / 2, (y + v) / 2, Math.abs(u - x) / 2, Math.abs(v - y) / 2),
  circle: ([x, y], [u, v]) => around(x, y, Math.hypot(u - x, v - y), Math.hypot(u - x, v - y)),
};
