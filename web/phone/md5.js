// MD5 (RFC 1321), which digest authentication is made of and browsers have no word for. Not for anything else.

/** How far each step of a round turns its word. */
const TURNS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21]
];
const SINES = Array.from({ length: 64 }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32) | 0);
/** Which word of a block each step of a round takes: `(factor * step + start) mod 16`. */
const ORDERS = [
  [1, 0],
  [5, 1],
  [3, 5],
  [7, 0]
];

/** @type {((b: number, c: number, d: number) => number)[]} */
const MIXES = [
  (b, c, d) => (b & c) | (~b & d),
  (b, c, d) => (b & d) | (c & ~d),
  (b, c, d) => b ^ c ^ d,
  (b, c, d) => c ^ (b | ~d)
];

/**
 * The text's bytes, a one bit, zeros, and the length in bits: a multiple of 64 bytes.
 * @param {string} text
 */
function padded(text) {
  const bytes = new TextEncoder().encode(text);
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const view = new DataView(new ArrayBuffer(blocks * 64));
  new Uint8Array(view.buffer).set(bytes);
  view.setUint8(bytes.length, 0x80);
  view.setUint32(view.byteLength - 8, (bytes.length * 8) >>> 0, true);
  view.setUint32(view.byteLength - 4, Math.floor((bytes.length * 8) / 2 ** 32), true);
  return view;
}

/**
 * @param {string} text read as UTF-8
 * @returns {string} 32 hexadecimal digits
 */
export function md5(text) {
  const view = padded(text);
  const state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
  for (let block = 0; block < view.byteLength; block += 64) {
    let [a, b, c, d] = state;
    for (let step = 0; step < 64; step += 1) {
      const round = step >> 4;
      const [factor, start] = ORDERS[round];
      const word = view.getUint32(block + ((factor * step + start) % 16) * 4, true);
      const sum = (a + MIXES[round](b, c, d) + word + SINES[step]) | 0;
      const turn = TURNS[round][step % 4];
      [a, b, c, d] = [d, (b + ((sum << turn) | (sum >>> (32 - turn)))) | 0, b, c];
    }
    [a, b, c, d].forEach((value, index) => (state[index] = (state[index] + value) | 0));
  }
  const out = new DataView(new ArrayBuffer(16));
  state.forEach((value, index) => out.setInt32(index * 4, value, true));
  return Array.from(new Uint8Array(out.buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * What a SIP server compares with (RFC 2617 section 3.2.2.2). It opens this one account in this one realm, and nothing else.
 * @param {string} user
 * @param {string} realm
 * @param {string} password
 */
export function ha1(user, realm, password) {
  return md5(`${user}:${realm}:${password}`);
}
