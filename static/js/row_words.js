// What a row says of its transfer.

import { percent, size, soon, timeLeft } from "./format.js";

const RESULTS = {
  clean: ["Ready.", "No virus was found. Our engineers can download it now.", "good"],
  infected: ["Virus found.", "Nobody can download this bundle. Remove the named files, pack it again, and send it anew.", "bad"],
  unscannable: ["Needs review.", "We could not look into every part of it.", "warn"],
  rejected: ["Rejected.", "The bundle was not accepted.", "warn"],
  abandoned: ["Abandoned.", "Please send the file again.", ""],
  deleted: ["Deleted.", "The bundle is no longer stored.", ""],
};
const LOST = "Nothing that arrived is lost.";

const WORDS = {
  ready: ({ continued, sent, total }) =>
    continued ? ["Ready to go on", `${sent ? `at ${percent(sent / total)}, ` : ""}where it stopped before.`] : ["Ready to send.", ""],

  queued: () => ["Waiting", "for the others to finish."],

  sending(transfer) {
    const { sent, total, continued, speed } = transfer;
    if (transfer.still) {
      const detail = "Still trying; you can leave this open. If it stays so, look at your network, or pause and go on another time.";
      return [`Nothing has moved for ${transfer.still} seconds.`, detail, "warn"];
    }
    if (transfer.storing) return ["Almost done.", "Every byte is there. It is being stored."];
    if (!transfer.moving && speed.value === 0) {
      return ["Connecting", sent ? `to go on at ${percent(sent / total)}.` : ""];
    }
    const facts = [percent(sent / total), `${size(sent)} of ${size(total)}`];
    if (speed.value > 0) facts.push(`${size(speed.value)}/s`, timeLeft((total - sent) / speed.value));
    return [continued ? "Continuing" : "Uploading", facts.join(" · ")];
  },

  paused: ({ sent, total }) => [
    "Paused",
    `at ${percent(sent / total)}. You can go on any time, even after closing this page.`,
  ],

  retrying(transfer) {
    if (!navigator.onLine) {
      return ["Waiting for the network.", `It goes on by itself as soon as there is one. ${LOST}`, "warn"];
    }
    const seconds = Math.max(0, Math.ceil((transfer.retryAt - Date.now()) / 1000));
    return [whyAgain(transfer.trouble), `${LOST} Trying again in ${soon(seconds)}.`, "warn"];
  },

  signedout: ({ portal }) => [
    "You are signed out.",
    portal.signInUrl ? `Sign in again in another tab, then press Go on. ${LOST}` : "",
    "warn",
  ],

  checking: () => ["Checking", "for viruses. Everything arrived: you can close this page."],

  settled({ result }) {
    if (!result) return ["Sent.", "Open the receipt to see what became of it."];
    const [word, detail, tone] = RESULTS[result.state] ?? ["Sent.", "", ""];
    return [word, result.reason ?? detail, tone];
  },

  refused: ({ trouble }) => ["Not accepted.", trouble.words ?? "", "warn"],

  cancelled: () => ["Cancelled.", "What was sent is thrown away."],
};

function whyAgain({ status, words, tries }) {
  if (status === 0) return "The connection is lost.";
  if (status === 460) return "A piece arrived damaged. It is sent again.";
  if (status === 409 || status === 423) {
    // At first it is our own last request, of which the portal has not heard yet that it is over.
    return tries > 3 ? "Another tab or browser is sending this file." : "The portal is still busy with this file.";
  }
  return words ?? "The portal does not answer.";
}

/** What is heard once: a phase and its words, without the numbers that keep moving. */
function spokenOf(transfer, phase, word, detail) {
  if (phase === "ready") return null;
  if (phase === "sending" && !transfer.still) return transfer.continued ? "Continuing" : "Uploading";
  if (phase === "sending" || phase === "retrying") return word.replace(/\d+ seconds/, "a while");
  return `${word}${/[.?]$/.test(word) || /^[a-z]/.test(detail) ? "" : "."} ${detail}`;
}

/** @returns {{phase: string, word: string, detail: string, tone: string, spoken: string|null, findings: string[]}} */
export function wordsFor(transfer) {
  const [word, detail, tone = ""] = WORDS[transfer.phase](transfer);
  const phase = transfer.phase === "refused" && transfer.trouble.kind === "postponed" ? "postponed" : transfer.phase;
  const findings = transfer.phase === "settled" ? (transfer.result?.scan?.findings ?? []) : [];
  return {
    phase,
    word,
    detail,
    tone,
    spoken: spokenOf(transfer, phase, word, detail),
    findings: findings.map(({ member, signature }) => `${member}: ${signature}`),
  };
}
