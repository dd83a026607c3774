// Two tabs in one room: where most tests begin.

/** Opens our app twice and joins; `ids` are what each shows as its own. */
export async function pair(world, { server, room = 'demo' } = {}) {
  const running = server ?? (await world.server());
  const [a, b] = await Promise.all([world.room('a', running.url), world.room('b', running.url)]);
  await a.join(room);
  await b.join(room);
  const [idA, idB] = [await a.id(), await b.id()];
  await Promise.all([a.untilMembers(idA, idB), b.untilMembers(idA, idB)]);
  return { server: running, a, b, idA, idB };
}
