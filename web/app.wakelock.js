// A phone that dims in the middle of a call stops the camera: keep the screen on while somebody is in a call.

/** @param {import('./app.state.js').Store} store */
export function keepAwake({ state, subscribe }) {
  if (!('wakeLock' in navigator)) return;
  let lock = /** @type {WakeLockSentinel | null} */ (null);
  let asking = false;

  async function update() {
    const wanted = state.peers.size > 0 && document.visibilityState === 'visible';
    // The browser drops the lock by itself when the page is hidden.
    if (lock?.released) lock = null;
    if (asking || wanted === Boolean(lock)) return;
    asking = true;
    try {
      if (wanted) lock = await navigator.wakeLock.request('screen');
      else {
        await lock?.release();
        lock = null;
      }
    } catch {
      // Refused on low battery; the call goes on without.
    } finally {
      asking = false;
    }
  }

  document.addEventListener('visibilitychange', () => void update());
  let inCall = false;
  subscribe(() => {
    if (inCall === state.peers.size > 0) return;
    inCall = state.peers.size > 0;
    void update();
  });
}
