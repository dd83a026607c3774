// A phone that dims while it publishes stops the camera: keep the screen on meanwhile.

export function createWakeLock() {
  let wanted = false;
  let asking = false;
  let lock = /** @type {WakeLockSentinel | null} */ (null);

  async function update() {
    if (!('wakeLock' in navigator) || asking) return;
    // The browser drops the lock by itself when the page is hidden.
    if (lock?.released) lock = null;
    const due = wanted && document.visibilityState === 'visible';
    if (due === Boolean(lock)) return;
    asking = true;
    try {
      if (due) lock = await navigator.wakeLock.request('screen');
      else {
        await lock?.release();
        lock = null;
      }
    } catch {
      // Refused on low battery; the stream goes on without.
      wanted = false;
    } finally {
      asking = false;
    }
    void update();
  }

  document.addEventListener('visibilitychange', () => void update());
  return {
    /** @param {boolean} on */
    keep(on) {
      if (wanted === on) return;
      wanted = on;
      void update();
    }
  };
}
