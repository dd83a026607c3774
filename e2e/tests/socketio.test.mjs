// The rendezvous server with the library that its clients are made of, over each transport.

import assert from 'node:assert/strict';
import { connect } from '../lib/socketio.mjs';
import { e2e } from '../lib/test.mjs';

const ALONE = [null, { clients: {} }];

for (const [theirs, ours] of [['websocket', 'websocket'], ['websocket', 'xhr-polling'], ['xhr-polling', 'websocket'], ['xhr-polling', 'xhr-polling']]) {
  e2e(`a media server by ${theirs} and a player by ${ours} meet, talk and part`, async (world) => {
    const server = await world.server({ env: { PATCHBAY_DIALECT__ERS__LISTEN: '127.0.0.1:0' } });
    const device = connect(`http://${server.ready.ers}`, theirs, world);
    await device.of('ersid');
    assert.deepEqual(device.heard.map(([name]) => name), ['connecting', 'connect', 'stunservers', 'turnservers', 'ersid']);
    assert.deepEqual(device.heard.at(-1), ['ersid', { id: device.sid }]);
    assert.equal(device.transport, theirs);
    assert.deepEqual(await device.ask('join', 'room', { index: 1, EMS: true, emsToken: '', capabilities: 'hasHeartBeat' }), ALONE);

    const player = connect(server.url, ours, world);
    await player.of('connect');
    const [refusal, told] = await player.ask('join', 'room', { token: null, streamName: 'test1', transport: 'srtp' });
    assert.deepEqual([refusal, told], [null, { clients: { [device.sid]: { screen: false, video: true, audio: false } } }]);
    const [, joined] = await device.of('clientJoined');
    assert.deepEqual([joined.id, joined.streamName, joined.transport], [player.sid, 'test1', 'srtp']);

    // Long, not ASCII, many at a time, in both directions: whole and in order.
    const sdp = `v=0\r\n${'a=ä€😀 "\\/\r\n'.repeat(5_000)}`;
    device.say(player.sid, { type: 'offer', payload: { type: 'offer', sdp } });
    const [, offer] = await player.of('message');
    assert.deepEqual([offer.payload.sdp === sdp, offer.from], [true, device.sid]);
    for (let number = 0; number < 60; number += 1) {
      player.say(device.sid, { type: 'candidate', payload: { candidate: { candidate: `😀 ${number}`, sdpMLineIndex: 0 } } });
      device.say(player.sid, { type: 'candidate', payload: { number } });
    }
    player.say(device.sid, { type: 'last' });
    device.say(player.sid, { type: 'last' });
    const candidates = async (client) => {
      for (let at = 0; ;) {
        const [, message] = await client.of('message', at);
        if (message.type === 'last') break;
        at = client.heard.findIndex((entry) => entry[1] === message) + 1;
      }
      return client.heard.filter(([name, { type } = {}]) => name === 'message' && type === 'candidate').map(([, { payload }]) => payload);
    };
    assert.deepEqual((await candidates(device)).map(({ candidate }) => candidate.candidate), Array.from({ length: 60 }, (_, number) => `😀 ${number}`));
    assert.deepEqual((await candidates(player)).map(({ number }) => number), Array.from({ length: 60 }, (_, number) => number));

    const { sid } = player;
    await player.leave();
    assert.deepEqual(await device.of('remove'), ['remove', { id: sid }]);
  });
}

e2e('a client that polls goes on where it was when the server comes back', async (world) => {
  const first = await world.server();
  const player = connect(first.url, 'xhr-polling', world, { reconnect: true, 'reconnection delay': 100, 'max reconnection attempts': 50 });
  await player.of('ersid');
  const before = player.sid;
  await first.stop();
  await player.of('disconnect');
  const at = player.heard.length;
  await world.server({ addr: first.host });
  await player.of('reconnect', at);
  await player.of('ersid', at);
  assert.notEqual(player.sid, before);
  assert.deepEqual(await player.ask('create', 'room'), [null, 'room']);
});

e2e('a client that polls and leaves at once, as pages do that are closed', async (world) => {
  const server = await world.server();
  const device = connect(server.url, 'websocket', world);
  await device.of('connect');
  await device.ask('join', 'room', { EMS: true });
  const player = connect(server.url, 'xhr-polling', world);
  await player.of('connect');
  await player.ask('join', 'room', { streamName: 'test1' });
  const { sid } = player;
  const left = await fetch(`${server.url}socket.io/1//${sid}/?disconnect=1`);
  assert.equal(left.status, 200);
  assert.deepEqual(await device.of('remove'), ['remove', { id: sid }]);
  await player.of('disconnect');
});
