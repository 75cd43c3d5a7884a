// A sound for each failed part, if it is wanted; off until somebody turns it on.
import {kept} from "/static/shared/remembered.js";

const TONES = [[880, 0], [660, 0.16], [880, 0.32]], LONG_S = 0.14;

/** The sound: `fail` plays, `turn` turns it on or off, `state` is "on", "off" or "blocked". */
export function sound() {
  const wanted = kept("sound", false);
  let audio = null, changed = () => {};
  const ready = () => {
    if (audio || !wanted.get()) return;
    audio = new AudioContext();
    audio.onstatechange = () => changed();
  };
  const wake = () => { ready(); if (audio?.state === "suspended") audio.resume(); };
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, wake);
  ready();
  return {
    state: () => (!wanted.get() ? "off" : audio?.state === "running" ? "on" : "blocked"),
    onchange: (listener) => { changed = listener; },
    turn: () => { wanted.set(!wanted.get()); wake(); changed(); if (wanted.get()) play(audio); },
    fail: () => { if (wanted.get()) play(audio); },
  };
}

function play(audio) {
  if (audio?.state !== "running") return;
  for (const [hertz, after] of TONES) {
    const tone = new OscillatorNode(audio, {type: "square", frequency: hertz});
    const loud = new GainNode(audio, {gain: 0.25});
    tone.connect(loud).connect(audio.destination);
    tone.start(audio.currentTime + after);
    tone.stop(audio.currentTime + after + LONG_S);
  }
}
