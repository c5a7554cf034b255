// Numbers for people, in the same manner as the server's filters.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** 4628644 -> "4.6 MB" (decimal units). */
export function size(bytes) {
  let unit = 0;
  let value = bytes;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)}\u00a0${UNITS[unit]}`; // never broken across two lines
}

/** Seconds -> "about 2 min left". */
export function timeLeft(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 1.5) return "a moment left";
  if (seconds < 60) return `${Math.round(seconds)} s left`;
  if (seconds < 3600) return `about ${Math.round(seconds / 60)} min left`;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.round((seconds % 3600) / 60);
  return `about ${hours} h ${minutes} min left`;
}

/** 0.456 -> "45%": never 100% before everything is there. */
export function percent(part) {
  return `${Math.floor(part * 100)}%`;
}

/** A speed that does not jump: bytes per second over the last few seconds. */
export class Speed {
  #samples = [];

  /** @param {number} bytes sent so far, @param {number} now milliseconds */
  add(bytes, now = performance.now()) {
    const last = this.#samples.at(-1);
    if (last && bytes < last.bytes) this.#samples = [];
    if (last && now - last.now < 200) return;
    this.#samples.push({ bytes, now });
    while (this.#samples.length > 2 && now - this.#samples[0].now > 8000) this.#samples.shift();
  }

  clear() {
    this.#samples = [];
  }

  /** Bytes per second; 0 while unknown. */
  get value() {
    if (this.#samples.length < 2) return 0;
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    const seconds = (last.now - first.now) / 1000;
    return seconds >= 0.8 ? (last.bytes - first.bytes) / seconds : 0;
  }
}
