// Telephones for tests: Kamailio as registrar and proxy of example.com, baresip as the phones.

import { open, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program, freePort, freePorts, freeRange } from './program.mjs';
import { PHONE_HZ, isHeard, strengths } from './tones.mjs';
import { until } from './until.mjs';

const KAMAILIO_CFG = fileURLToPath(new URL('../sip/kamailio.cfg', import.meta.url));
/** Of what a phone hears, the last so many samples are looked at. */
const LISTENED = 8_192;
const RATE = 48_000;
const WAV_HEAD = 44;
/** No packet of sound for so long: none is sent. */
const QUIET_MS = 500;

/** Its log tells what passes it. */
export class Registrar extends Program {
  static async open(world) {
    const port = await freePort();
    const registrar = await Registrar.start(world, 'kamailio', 'kamailio', async (folder) => {
      const config = path.join(folder, 'kamailio.cfg');
      await writeFile(config, (await readFile(KAMAILIO_CFG, 'utf8')).replaceAll('PORT', String(port)));
      return ['-f', config, '-m', '64', '-M', '8', '-DD', '-E', '-Y', folder, '-P', path.join(folder, 'pid')];
    });
    registrar.port = port;
    await until('the registrar listens', () => {
      if (registrar.end !== undefined) throw new Error(`kamailio ended (${registrar.end}):\n${registrar.lines.map(({ text }) => text).join('\n')}`);
      return listens(port);
    });
    return registrar;
  }

  /** How many requests of this method it has seen from `user`. */
  seen(method, user) {
    return this.count(new RegExp(`saw ${method} ${user}\\b`));
  }

  untilSeen(method, user, options) {
    return this.untilLine(new RegExp(`saw ${method} ${user}\\b`), options);
  }

  untilRegistered(user, options) {
    return this.untilLine(new RegExp(`registrar has ${user}\\b`), options);
  }

  untilGone(user, options) {
    return this.untilLine(new RegExp(`registrar lost ${user}\\b`), options);
  }
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

export class Phone extends Program {
  /** What it told over its control connection. */
  events = [];
  #answers = [];

  /**
   * @param {object} [how]
   * @param {'auto' | 'manual'} [how.answers] `manual`: rings until it is told what to do
   * @param {string} [how.shown] the name that it gives itself
   * @param {string} [how.codecs] for sound, the best first
   * @param {boolean} [how.video] it has a camera, too
   * @param {string} [how.account] further parameters of its account
   */
  static async open(world, registrar, name, { answers = 'auto', shown = '', codecs = 'opus/48000/2,PCMU/8000/1', video = false, account = '' } = {}) {
    // It takes the port behind its own as well, for TLS.
    const [[sip], control, rtp] = [await freePorts(2), await freePort(), await freeRange(20)];
    const phone = await Phone.start(world, name, 'baresip', async (folder) => {
      await writeFile(path.join(folder, 'config'), [...configuration({ sip, control, rtp, folder, video }), ''].join('\n'));
      await writeFile(path.join(folder, 'accounts'), `${shown ? `"${shown}" ` : ''}<sip:${name}@example.com;transport=udp>;auth_user=${name};auth_pass=secret-${name};`
        + `outbound="sip:127.0.0.1:${registrar.port};transport=udp";regint=120;answermode=${answers};audio_codecs=${codecs}${account}\n`);
      return ['-f', folder];
    });
    await registrar.untilRegistered(name);
    await phone.#connect(control);
    return phone;
  }

  async #connect(port) {
    await until(`${this.name} can be told what to do`, () => listens(port));
    this.control = net.connect(port, '127.0.0.1');
    this.control.on('error', () => {});
    let rest = Buffer.alloc(0);
    this.control.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      for (;;) {
        const colon = rest.indexOf(':');
        const length = Number(rest.subarray(0, colon));
        // A netstring: its length, a colon, the text, a comma.
        if (colon < 0 || rest.length < colon + length + 2) return;
        this.#told(JSON.parse(rest.subarray(colon + 1, colon + 1 + length).toString()));
        rest = rest.subarray(colon + length + 2);
      }
    });
  }

  #told(message) {
    if (message.response) this.#answers.shift()?.(message);
    else this.events.push(message);
  }

  /** A command of baresip's menu: `dial`, `accept`, `hangup`, `hold`, `resume`, `sndcode`. */
  async tell(command, params = '') {
    const text = JSON.stringify({ command, params, token: command });
    const answer = new Promise((resolve) => this.#answers.push(resolve));
    this.control.write(`${Buffer.byteLength(text)}:${text},`);
    const { ok, data } = await answer;
    if (!ok) throw new Error(`${this.name} does not ${command}: ${data}`);
    return data;
  }

  async untilEvent(type, { since = 0, where = () => true, ...options } = {}) {
    return until(`${this.name} tells ${type}`, () => this.events.slice(since).find((event) => event.type === type && where(event)), options);
  }

  /** The digits that came, by RFC 4733 or by INFO: the phone makes no difference. */
  digits() {
    return this.events.filter(({ type }) => type === 'CALL_DTMF_START').map(({ param }) => param).join('');
  }

  /** Where its recording is now: a mark for `heard`. */
  async mark() {
    // Each stream has a file of its own, named by the time; the newest is that of the present call.
    const name = (await readdir(this.folder)).filter((file) => file.endsWith('-dec.wav')).sort().at(-1);
    return { name, size: name ? (await stat(path.join(this.folder, name))).size : 0 };
  }

  /** How strong each tone is that it has heard last; null if it has heard too little since the mark. */
  async heard(since) {
    const { name, size } = await this.mark();
    if (!name) return null;
    const file = await open(path.join(this.folder, name));
    try {
      const head = Buffer.alloc(WAV_HEAD);
      await file.read(head, 0, WAV_HEAD, 0);
      const frame = 2 * head.readUInt16LE(22);
      const start = since?.name === name ? Math.max(since.size, WAV_HEAD) : WAV_HEAD;
      const bytes = LISTENED * frame;
      if (size - start < bytes) return null;
      const data = Buffer.alloc(bytes);
      await file.read(data, 0, bytes, size - bytes - ((size - WAV_HEAD) % frame));
      const samples = Array.from({ length: LISTENED }, (_, at) => data.readInt16LE(at * frame) / 32_768);
      return strengths(samples, head.readUInt32LE(24));
    } finally {
      await file.close();
    }
  }

  /** A tone that it plays. Not after a hold: baresip takes the recorder out of its pipeline with every change of the call. */
  async untilHeard(hz) {
    const mark = await this.mark();
    await until(`${this.name} hears ${hz} Hz`, async () => {
      const heard = await this.heard(mark);
      return heard && isHeard(heard, hz);
    });
  }

  /** How many packets of sound have come in this call. */
  async packets() {
    const count = /rcvd=(\d+)/.exec(await this.tell('audio_debug'));
    return count ? Number(count[1]) : 0;
  }

  /** So many more packets come; sound has fifty a second. */
  async untilPackets(more = 25) {
    const start = await this.packets();
    await until(`${this.name} gets packets`, async () => (await this.packets()) >= start + more);
  }

  /** Pictures are decoded, one after the other. */
  async untilPicture() {
    const frames = async () => Number(/vidisp: .* frames=(\d+)/.exec(await this.tell('video_debug'))?.[1] ?? 0);
    const start = await frames();
    await until(`${this.name} sees a moving picture`, async () => (await frames()) > start + 10, { within: 30_000 });
  }

  /** For half a second no packet comes. */
  async untilNoPackets() {
    let [count, since] = [-1, 0];
    await until(`${this.name} gets no packets any more`, async () => {
      const now = await this.packets();
      if (now !== count) [count, since] = [now, Date.now()];
      return Date.now() - since > QUIET_MS;
    });
  }
}

function configuration({ sip, control, rtp, folder, video }) {
  return [
    'poll_method epoll',
    `sip_listen 127.0.0.1:${sip}`,
    // An address: the name of the interface is refused.
    'net_interface 127.0.0.1',
    'module_path /usr/lib/baresip/modules',
    `audio_source ausine,${PHONE_HZ}`,
    'audio_player aubridge,sink',
    'audio_alert aubridge,alert',
    // The tone exists at 48 kHz in stereo only; without these lines the phone rings and never answers.
    `ausrc_srate ${RATE}`,
    `auplay_srate ${RATE}`,
    'ausrc_channels 2',
    'auplay_channels 2',
    `rtp_ports ${rtp}`,
    ...['opus', 'g722', 'g711', 'ausine', 'aubridge', 'aufile', 'sndfile', 'srtp', 'stdio'].map((name) => `module ${name}.so`),
    ...(video ? ['module vp8.so', 'module fakevideo.so', 'video_source fakevideo,nil', 'video_display fakevideo,nil'] : []),
    // What is heard and said is recorded here.
    `snd_path ${folder}`,
    'module_tmp account.so',
    'module_tmp uuid.so',
    'module_app menu.so',
    'module_app ctrl_tcp.so',
    `ctrl_tcp_listen 127.0.0.1:${control}`,
  ];
}

/** Registrar, phones, and a server that sends its calls there. */
export async function telephony(world, { env = {}, ...options } = {}) {
  const registrar = await Registrar.open(world);
  const server = await world.server({
    ...options,
    env: {
      PATCHBAY_SIP__OUTBOUND_PROXY: `127.0.0.1:${registrar.port}`,
      PATCHBAY_SIP__RTP_PORTS: await freeRange(40),
      // Browsers on two cores: the machine is busy, and nobody is to be turned away for it.
      PATCHBAY_LIMITS__CPU_PERCENT: '100',
      ...env,
    },
  });
  return { registrar, server, phone: (name, how) => Phone.open(world, registrar, name, how) };
}
