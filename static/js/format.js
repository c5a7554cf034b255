// Numbers for people, in the same manner as the server's filters.

const UNITS = ["B", "kB", "MB", "GB", "TB"];
const TENTHS = new Intl.NumberFormat(document.documentElement.dataset.locale, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

/** 4628644 -> "4.6 MB" (decimal units). */
export function size(bytes) {
  let unit = 0;
  let value = bytes;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : TENTHS.format(value)}\u00a0${UNITS[unit]}`; // never broken across two lines
}

const counted = (number, unit) => `${number} ${unit}${number === 1 ? "" : "s"}`;

/** Seconds -> "about 2 minutes left": as exact as a guess can be, so that it does not flicker. */
export function timeLeft(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 5) return "a few seconds left";
  if (seconds < 20) return `about ${Math.ceil(seconds / 5) * 5} seconds left`;
  if (seconds < 55) return `about ${Math.ceil(seconds / 10) * 10} seconds left`;
  if (seconds < 3570) return `about ${counted(Math.round(seconds / 60) || 1, "minute")} left`;
  const tens = Math.round(seconds / 600) * 10;
  const [hours, minutes] = [Math.floor(tens / 60), tens % 60];
  return `about ${counted(hours, "hour")}${minutes ? ` ${minutes} minutes` : ""} left`;
}

/** Seconds -> "4 s", "2 minutes": how long until something that is certain. */
export function soon(seconds) {
  return seconds < 100 ? `${seconds} s` : counted(Math.ceil(seconds / 60), "minute");
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
