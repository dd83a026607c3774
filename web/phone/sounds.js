// Rings and tones out of WebAudio, so that no file is needed.

import { PATTERNS, pitchesOf } from './tones.js';

/** A ramp this short is not heard, but a tone without one clicks. */
const RAMP_S = 0.012;
const KEY = { at: 0, lasts: 0.12, loud: 0.06 };
const CLICK = { pitches: [440], at: 0, lasts: 0.05, loud: 0.05 };

export function createSounds() {
  /** @type {AudioContext | null} */ let context = null;
  /** What sounds now and has to be stopped with it. @type {Set<OscillatorNode>} */ const sounding = new Set();
  /** @type {import('./tones.js').Tone} */ let current = '';
  let timer = 0;

  /** Browsers let a page sound only after somebody has touched it. */
  function open() {
    if (typeof AudioContext !== 'function') return null;
    context ??= new AudioContext();
    if (context.state === 'suspended') void context.resume().catch(() => {});
    return context;
  }

  /**
   * @param {AudioContext} audio
   * @param {import('./tones.js').Beep} beep
   * @param {boolean} stoppable
   */
  function play(audio, { pitches, at, lasts, loud }, stoppable) {
    const start = audio.currentTime + at;
    const gain = audio.createGain();
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(loud, start + RAMP_S);
    gain.gain.setValueAtTime(loud, start + lasts - RAMP_S);
    gain.gain.linearRampToValueAtTime(0, start + lasts);
    gain.connect(audio.destination);
    for (const pitch of pitches) {
      const oscillator = audio.createOscillator();
      oscillator.frequency.value = pitch;
      oscillator.connect(gain);
      oscillator.start(start);
      oscillator.stop(start + lasts);
      oscillator.onended = () => sounding.delete(oscillator);
      if (stoppable) sounding.add(oscillator);
    }
  }

  function silence() {
    window.clearInterval(timer);
    timer = 0;
    for (const oscillator of sounding) oscillator.stop();
    sounding.clear();
    if (current === 'ring') navigator.vibrate?.(0);
  }

  document.addEventListener('pointerdown', open);
  document.addEventListener('keydown', open);

  return {
    /** @param {import('./tones.js').Tone} tone */
    set(tone) {
      if (tone === current) return;
      silence();
      current = tone;
      if (tone === '') return;
      const pattern = PATTERNS[tone];
      const once = () => {
        const audio = open();
        // What was asked for while the page may not sound yet would come all at once later.
        if (audio?.state === 'running') for (const beep of pattern.beeps) play(audio, beep, true);
        if (tone === 'ring') navigator.vibrate?.([400, 200, 400]);
      };
      once();
      timer = window.setInterval(once, pattern.period * 1000);
    },

    /** What the finger hears of a key. @param {string} digit */
    key(digit) {
      const audio = open();
      const pitches = pitchesOf(digit);
      if (audio && pitches.length > 0) play(audio, { pitches, ...KEY }, false);
    },

    /** The same in a call: the digit's own tone could reach the other side by the microphone, as a second digit. */
    click() {
      const audio = open();
      if (audio) play(audio, CLICK, false);
    }
  };
}
