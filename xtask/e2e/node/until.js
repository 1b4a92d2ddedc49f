/** Waits for something to become true, with a limit. */

import { setTimeout } from 'node:timers/promises';

/** Calls `ready` until its answer is truthy, and returns that answer. */
export async function until(what, ready, limitMs = 20_000) {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const answer = await ready();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await setTimeout(50);
  }
}
