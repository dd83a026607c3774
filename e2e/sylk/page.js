// A page around sylkrtc.js, today's or the one of 2015: it uses the public API only, and keeps all that is told.

import * as sylkrtc from './sylkrtc.js';

/** What the library has told, in order, in words. */
const told = [];
let connection;
let account;
let call;

function follow(next) {
  call = next;
  call.on('stateChanged', (from, to, data) => told.push(['call', to, data?.reason ?? data?.code].filter(Boolean).join(' ')));
}

// Today's library is given its stream, that of 2015 asks for one by itself.
const options = async ({ video = false, ...more } = {}) => ({
  localStream: await navigator.mediaDevices.getUserMedia({ audio: true, video }),
  mediaConstraints: { audio: true, video },
  ...more,
});

let room;

/** Looks at who is in the room. */
function attach(participant) {
  const name = participant.identity.uri;
  participant.on('streamAdded', () => told.push(`stream ${name}`));
  participant.on('stateChanged', (from, to) => told.push(`feed ${name} ${to}`));
  participant.attach();
}

window.told = told;
window.phone = {
  connect(server) {
    connection = sylkrtc.createConnection({ server });
    connection.on('stateChanged', (from, to) => told.push(`connection ${to}`));
  },

  /** Null, or why not. */
  add: (address, password, more) => new Promise((resolve) => {
    connection.addAccount({ account: address, password, ...more }, (error, added) => {
      account = added;
      account?.on('registrationStateChanged', (from, to, data) => told.push(['registration', to, data?.reason].filter(Boolean).join(' ')));
      account?.on('incomingCall', (incoming, media) => {
        follow(incoming);
        const who = incoming.remoteIdentity;
        told.push(['incoming', who.uri ?? who, who.displayName, media && JSON.stringify(media)].filter(Boolean).join(' '));
        for (const { name, value } of incoming.headers ?? []) told.push(`header ${name}: ${value}`);
      });
      account?.on('missedCall', ({ originator }) => told.push(`missed ${originator.uri}`));
      resolve(error ? String(error) : null);
    });
  }),

  remove: () => new Promise((resolve) => connection.removeAccount(account, resolve)),
  register: () => account.register(),
  unregister: () => account.unregister(),
  call: async (address, how) => follow(account.call(address, await options(how))),
  answer: async (how) => call.answer(await options(how)),
  // Video rooms, which came with the second half of the life of this library.
  join: async (address, how) => {
    room = account.joinConference(address, await options(how));
    room.on('stateChanged', (from, to, data) => {
      told.push(['room', to, data?.reason].filter(Boolean).join(' '));
      if (to === 'established') room.participants.forEach(attach);
    });
    room.on('participantJoined', (one) => { told.push(`joined ${one.identity.uri}`); attach(one); });
    room.on('participantLeft', (one) => told.push(`left ${one.identity.uri}`));
    room.on('message', (message) => told.push(`message ${message.sender.uri} ${message.content}`));
    room.on('roomConfigured', ({ activeParticipants }) => told.push(['active', ...activeParticipants.map((one) => one.identity.uri)].join(' ')));
    room.on('raisedHands', ({ raisedHands }) => told.push(`hands ${raisedHands.length}`));
    room.on('muteAudio', ({ originator }) => told.push(`mute ${originator.uri}`));
  },
  invited: () => account.on('conferenceInvite', ({ originator, room: address }) => told.push(`invited ${originator.uri ?? originator} ${address}`)),
  invite: (address) => room.inviteParticipants([address]),
  say: (text) => room.sendMessage(text, 'text/plain'),
  activate: (...addresses) => room.configureRoom([...new Set(room.participants)]
    .filter((one) => addresses.includes(one.identity.uri)).map((one) => one.publisherId)),
  hand: () => room.toggleHand(),
  mute: () => room.muteAudioParticipants(),
  place: () => room.id,
  leave: () => room.terminate(),
  hangUp: () => call.terminate(),
  digit: (digit) => call.sendDtmf(digit),
  // The library's own way to RFC 4733 asks the sender itself, in place of its `dtmf`, and fails in every browser of today.
  tones: (digits) => call.getSenders().find(({ track }) => track?.kind === 'audio').dtmf.insertDTMF(digits, 100, 70),
};
