// What this browser remembers of how its operator likes the page.

/** {get, set} of one remembered value; without storage it holds until the page is closed. */
export function kept(name, otherwise) {
  const key = `operator.${name}`;
  let value = otherwise;
  try { value = JSON.parse(localStorage.getItem(key)) ?? otherwise; } catch { /* nothing usable is kept */ }
  return {
    get: () => value,
    set: (next) => {
      value = next;
      try { localStorage.setItem(key, JSON.stringify(next)); } catch { /* private window: for now only */ }
    },
  };
}
