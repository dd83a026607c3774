// How long to wait before the next attempt to reach the server.

const DELAYS_MS = [1000, 2000, 4000, 8000];

/**
 * @param {number} attempt attempts that failed since the last success, from 0
 */
export function reconnectDelay(attempt) {
  return DELAYS_MS[Math.min(attempt, DELAYS_MS.length - 1)];
}
