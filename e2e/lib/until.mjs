// Waiting for a condition, never for a time: every wait names what it waits for and has a deadline.

const EVERY_MS = 50;

/**
 * Asks `probe` until it answers something truthy, and returns that.
 * @template T
 * @param {string} what named in the error
 * @param {() => T | Promise<T>} probe
 */
export async function until(what, probe, { within = 15_000 } = {}) {
  const deadline = Date.now() + within;
  let last;
  for (;;) {
    last = await probe();
    if (last) return last;
    if (Date.now() > deadline) throw new Error(`waited ${within} ms in vain until ${what} (last: ${JSON.stringify(last)})`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

/**
 * Checks that something stays true, at every look, until the deadline that `done` decides.
 * @param {string} what
 * @param {() => boolean | Promise<boolean>} holds
 * @param {() => boolean | Promise<boolean>} done
 */
export async function throughout(what, holds, done, { within = 30_000 } = {}) {
  await until(`${what} all along`, async () => {
    if (!(await holds())) throw new Error(`no longer true: ${what}`);
    return done();
  }, { within });
}
