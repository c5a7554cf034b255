// Follows one upload after its last byte, until nothing more will happen to it.

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * Ask for the upload's JSON until it is settled, then return it.
 *
 * @returns {Promise<object|null>} null when it cannot be seen any more (signed out, deleted)
 */
export async function untilSettled(url, headers) {
  for (let wait = 700; ; wait = Math.min(wait * 1.3, 5000)) {
    try {
      // Nobody stays signed in by a page that waits.
      const asked = { ...headers, "Diagport-Unattended": "1" };
      const answer = await fetch(url, { headers: asked, credentials: "same-origin" });
      if ([401, 403, 404, 410].includes(answer.status)) return null;
      if (answer.status === 200) return await answer.json(); // 202: not yet
    } catch {
      // No connection at the moment: ask again later.
    }
    await pause(wait);
  }
}
