// What a page's WebSocket carries, message by message, as the browser's own tools see it.

export class Wire {
  /** Every message in order: `{ from: 'page' | 'server', text, message, at }` */
  messages = [];

  async tap(page) {
    const session = await page.createCDPSession();
    await session.send('Network.enable');
    session.on('Network.webSocketFrameSent', ({ response }) => this.#add('page', response.payloadData));
    session.on('Network.webSocketFrameReceived', ({ response }) => this.#add('server', response.payloadData));
  }

  #add(from, text) {
    let message = null;
    try {
      message = JSON.parse(text);
    } catch {
      // Not every message is JSON; those stay as they are.
    }
    this.messages.push({ from, text, message, at: Date.now() });
  }

  text() {
    return this.messages.map(({ from, text }) => `${from === 'page' ? 'C>' : 'S>'} ${text}`).join('\n');
  }

  /** The requests of this type. */
  requests(type) {
    return this.messages.filter(({ from, message }) => from === 'page' && message.sylkrtc === type).map(({ message }) => message);
  }

  /** What the server told without being asked, with all keys; what differs from run to run is told by its kind only. */
  events(since = 0) {
    const unasked = ({ from, message }) => from === 'server' && !['ack', 'error'].includes(message.sylkrtc);
    return this.messages.slice(since).filter(unasked).map(({ message }) => plain(message));
  }

  /**
   * Requests of the page and everything that came, in short: `C> register`, `S> ack register`. Left out are requests of these types, with their
   * answers.
   */
  told(without = []) {
    const types = new Map();
    return this.messages.flatMap(({ from, message }) => {
      if (from === 'page') {
        types.set(message.transaction, message.sylkrtc);
        return without.includes(message.sylkrtc) ? [] : [`C> ${message.sylkrtc}`];
      }
      const type = types.get(message.transaction);
      if (type !== undefined) return without.includes(type) ? [] : [`S> ${message.sylkrtc} ${type}`];
      return [`S> ${[message.sylkrtc, message.event, message.state ?? message.data?.state, message.code].filter(Boolean).join(' ')}`];
    });
  }
}

function plain(value) {
  const kinds = {
    sdp: (text) => (/^v=0\r\n/.test(text) ? 'SDP' : text),
    session: (id) => (/^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/.test(id) ? 'SESSION' : id),
    call_id: (id) => (typeof id === 'string' && id ? 'CALL-ID' : id),
  };
  return Object.fromEntries(Object.entries(value).map(([key, one]) => {
    if (key === 'data') return [key, plain(one)];
    return [key, kinds[key] ? kinds[key](one) : one];
  }));
}
