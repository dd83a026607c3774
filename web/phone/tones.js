// Which tone belongs to a moment, and what tones are made of. No DOM.

/**
 * @typedef {'ring' | 'waiting' | 'ringback' | ''} Tone
 *   `ring`: somebody calls; `waiting`: somebody calls during a call; `ringback`: it rings at the other side
 * @typedef {{ pitches: number[], at: number, lasts: number, loud: number }} Beep `at` and `lasts` in seconds
 * @typedef {{ beeps: Beep[], period: number }} Pattern repeated every `period` seconds
 */

/**
 * @param {Pick<import('./calls.js').Calls, 'list' | 'running' | 'incoming' | 'current'>} calls
 * @returns {Tone}
 */
export function toneOf({ running, incoming, current }) {
  if (incoming) return running.length > 0 ? 'waiting' : 'ring';
  // From early media on the other side’s own tone is heard.
  return current?.phase === 'ringing' ? 'ringback' : '';
}

/** @type {Record<Exclude<Tone, ''>, Pattern>} */
export const PATTERNS = {
  // Two rising chords, a pause: told apart from the ringback even in another room.
  ring: {
    period: 3,
    beeps: [
      { pitches: [523.25, 659.25], at: 0, lasts: 0.4, loud: 0.22 },
      { pitches: [659.25, 783.99], at: 0.45, lasts: 0.4, loud: 0.22 },
      { pitches: [523.25, 659.25], at: 0.9, lasts: 0.4, loud: 0.22 },
      { pitches: [659.25, 783.99], at: 1.35, lasts: 0.4, loud: 0.22 }
    ]
  },
  waiting: { period: 5, beeps: [{ pitches: [425], at: 0, lasts: 0.2, loud: 0.08 }, { pitches: [425], at: 0.4, lasts: 0.2, loud: 0.08 }] },
  // As most of Europe hears it: one second in five.
  ringback: { period: 5, beeps: [{ pitches: [425], at: 0, lasts: 1, loud: 0.1 }] }
};

const LOW = [697, 770, 852, 941];
const HIGH = [1209, 1336, 1477, 1633];
const PAD = ['123A', '456B', '789C', '*0#D'];

export const DIGITS = '1234567890*#ABCD';

/**
 * The two pitches of a digit (ITU-T Q.23).
 * @param {string} digit
 * @returns {number[]} empty for what is no digit
 */
export function pitchesOf(digit) {
  const row = PAD.findIndex((keys) => keys.includes(digit.toUpperCase()) && digit.length === 1);
  return row < 0 ? [] : [LOW[row], HIGH[PAD[row].indexOf(digit.toUpperCase())]];
}
