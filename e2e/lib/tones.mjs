// Tones tell who is heard: the telephone has one, the browser's microphone another.

export const PHONE_HZ = 440;
export const BROWSER_HZ = 1_000;

/** Nobody sends this one: what there is of it is noise. */
const NOISE_HZ = 2_700;
const AUDIBLE = 0.01;

/** How strong a tone is within these samples, from 0 to 1 (Goertzel). It also runs in the page, so it needs nothing from here. */
export function strength(samples, hz, rate) {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let [last, before] = [0, 0];
  for (const sample of samples) [last, before] = [sample + coefficient * last - before, last];
  return (2 * Math.sqrt(Math.max(0, last * last + before * before - coefficient * last * before))) / (samples.length || 1);
}

/** Whether of all tones exactly this one is heard. */
export function isHeard(strengths, hz) {
  const others = Object.entries(strengths).filter(([key]) => Number(key) !== hz).map(([, value]) => value);
  return strengths[hz] > AUDIBLE && others.every((value) => strengths[hz] > 4 * value);
}

export function isSilent(strengths) {
  return Object.values(strengths).every((value) => value < AUDIBLE / 4);
}

export function strengths(samples, rate) {
  return Object.fromEntries([PHONE_HZ, BROWSER_HZ, NOISE_HZ].map((hz) => [hz, strength(samples, hz, rate)]));
}

/** The page's microphone gives a pure tone from now on, and its connections can be listened to. */
export async function withTones(page) {
  await page.evaluateOnNewDocument(`window.__strength = ${strength};`);
  await page.evaluateOnNewDocument((hz) => {
    const native = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
    if (!native) return;
    let audio;
    const context = () => (audio ??= new AudioContext({ sampleRate: 48_000 }));
    const microphone = () => {
      const oscillator = new OscillatorNode(context(), { frequency: hz });
      const gain = new GainNode(context(), { gain: 0.4 });
      const target = context().createMediaStreamDestination();
      oscillator.connect(gain).connect(target);
      oscillator.start();
      return target.stream.getAudioTracks()[0];
    };
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const { audio: sound, ...others } = wanted;
      const stream = Object.values(others).some(Boolean) ? await native(others) : new MediaStream();
      if (sound) stream.addTrack(microphone());
      return stream;
    };
    const ears = new Map();
    /** The last samples of the newest connection that receives sound. */
    window.__heard = () => {
      const live = (pc) => pc.getReceivers().find(({ track }) => track.kind === 'audio' && track.readyState === 'live');
      const receiver = window.__connections.filter((pc) => pc.connectionState === 'connected').map(live).findLast(Boolean);
      if (!receiver) return null;
      let ear = ears.get(receiver);
      if (!ear) {
        const stream = new MediaStream([receiver.track]);
        // Chromium decodes what an element plays; WebAudio alone would get silence.
        const element = new Audio();
        element.srcObject = stream;
        element.muted = true;
        element.play().catch(() => {});
        ear = { element, analyser: new AnalyserNode(context(), { fftSize: 8_192 }) };
        context().createMediaStreamSource(stream).connect(ear.analyser);
        ears.set(receiver, ear);
      }
      const samples = new Float32Array(ear.analyser.fftSize);
      ear.analyser.getFloatTimeDomainData(samples);
      return samples;
    };
    window.__strengths = (tones) => {
      const samples = window.__heard();
      return samples && Object.fromEntries(tones.map((tone) => [tone, window.__strength(samples, tone, 48_000)]));
    };
  }, BROWSER_HZ);
}

/** How strong each tone is that the page receives; null without a connection. */
export function heardIn(page) {
  return page.evaluate((tones) => window.__strengths(tones), [PHONE_HZ, BROWSER_HZ, NOISE_HZ]);
}
