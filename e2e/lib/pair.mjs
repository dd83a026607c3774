// People in one room: where most tests begin.

import { assertCall } from './media.mjs';

/** All join, and each sees all the others; answers their ids. */
export async function gather(rooms, name = 'demo') {
  for (const room of rooms) await room.join(name);
  const ids = await Promise.all(rooms.map((room) => room.id()));
  await Promise.all(rooms.map((room) => room.untilMembers(...ids)));
  return ids;
}

/** Our app opened twice, in one room. */
export async function pair(world, { name } = {}) {
  const server = await world.server();
  const [a, b] = await Promise.all([world.room('a', server.url), world.room('b', server.url)]);
  const [idA, idB] = await gather([a, b], name);
  return { server, a, b, idA, idB };
}

/** A whole conversation: call, see and hear, write both ways, hang up at the other end. */
export async function talk([caller, called], [idCaller, idCalled]) {
  await caller.call(idCalled);
  await assertCall(caller, called);
  await Promise.all([caller.untilChat(`opened: ${idCalled}`), called.untilChat(`opened: ${idCaller}`)]);
  await caller.chat('from the caller');
  await called.untilChat(`${idCaller}: from the caller`);
  await called.chat('from the called');
  await caller.untilChat(`${idCalled}: from the called`);
  await called.tab.click('#hangup');
  await Promise.all([caller.untilNoCall(), called.untilNoCall()]);
}
