// The page of those who manage the rendezvous server: one command at a time, newest answer first.

/** Each command: what its parameter is, if it has one, and what it does. */
const COMMANDS = {
  listRooms: ['', 'Rooms that are allowed, and those where somebody is.'],
  addRoom: ['Room', 'Allows a room. As soon as one is allowed, all others are refused.'],
  delRoom: ['Room', 'Allows a room no longer. When none is left, all are free again.'],
  listTokens: ['', 'Tokens of players. Used ones go ten minutes after their first use.'],
  addToken: ['Token', 'Lets a player in who shows this token (if the server asks players for tokens).'],
  delToken: ['Token', 'Lets nobody in with this token any more. Who is in stays.'],
  listEMSToken: ['', 'Tokens of media servers.'],
  addEMSToken: ['Token', 'As soon as there is one, media servers have to show one.'],
  delEMSToken: ['Token', 'Takes a token of media servers back.'],
  version: ['', 'The version of the interface.'],
};

/** What the members of lists are called for people. */
const HEADINGS = { room: 'Room', allowed: 'Allowed', ems: 'Media server', clients: 'Players', token: 'Token', used: 'Used', expires: 'Good until' };

/** Log entries kept on the page: enough to look back, and a page that stays open for weeks does not grow. */
const KEPT = 100;

const id = (name) => document.getElementById(name);
const [form, command, parameter, label, hint, send, log, empty] = ['ask', 'command', 'parameter', 'parameter-label', 'hint', 'send', 'log', 'empty'].map(id);

for (const name of Object.keys(COMMANDS)) {
  command.append(new Option(name, name));
}

function chosen() {
  const [what, meaning] = COMMANDS[command.value];
  label.textContent = what || 'Parameter';
  parameter.disabled = !what;
  parameter.placeholder = what ? '' : 'none';
  if (!what) {
    parameter.value = '';
  }
  hint.textContent = meaning;
}

const cell = (name, text) => Object.assign(document.createElement(name), { textContent: text });

/** A list as a table; anything else as it is. */
function shown(data) {
  const [rows] = Object.values(data ?? {});
  if (!Array.isArray(rows)) {
    return cell('pre', JSON.stringify(data, null, 2));
  }
  if (rows.length === 0) {
    return Object.assign(cell('p', 'None.'), { className: 'hint' });
  }
  const table = document.createElement('table');
  const columns = Object.keys(rows[0]);
  const head = table.createTHead().insertRow();
  head.append(...columns.map((name) => cell('th', HEADINGS[name] ?? name)));
  const body = table.createTBody();
  for (const row of rows) {
    body.insertRow().append(...columns.map((name) => cell('td', value(name, row[name]))));
  }
  return table;
}

function value(name, of) {
  if (name === 'expires') {
    return of === null ? 'not yet used' : new Date(of * 1000).toLocaleString();
  }
  return typeof of === 'boolean' ? (of ? 'yes' : 'no') : String(of);
}

/** What an answer says beside what was asked. */
function news(data, given) {
  const values = Object.values(data ?? {});
  return values.length > 0 && values[0] !== given ? data : undefined;
}

function write(asked, status, description, data) {
  const entry = document.createElement('li');
  const what = Object.assign(document.createElement('div'), { className: 'what' });
  what.append(
    Object.assign(cell('span', status), { className: `status ${status}` }),
    cell('code', asked),
    cell('time', new Date().toLocaleTimeString()),
  );
  entry.append(what);
  if (description) {
    entry.append(cell('p', description));
  }
  if (data) {
    entry.append(shown(data));
  }
  log.prepend(entry);
  while (log.children.length > KEPT) {
    log.lastElementChild.remove();
  }
  empty.hidden = true;
}

async function ask() {
  const name = command.value;
  const [what] = COMMANDS[name];
  const given = parameter.value;
  if (what && !given) {
    hint.textContent = `${what} is missing.`;
    parameter.focus();
    return;
  }
  const asked = what ? `${name} ${given}` : name;
  send.disabled = true;
  try {
    const answer = await fetch(`/?${new URLSearchParams({ c: name, i: given })}`);
    const { status, description, data } = await answer.json();
    write(asked, status, description, news(data, given));
    if (status === 'SUCCESS' && what) {
      parameter.value = '';
    }
  } catch (error) {
    write(asked, 'FAIL', `The server did not answer (${error.message}).`);
  } finally {
    send.disabled = false;
    (what ? parameter : command).focus();
    parameter.select();
  }
}

command.addEventListener('change', chosen);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  ask();
});
id('clear').addEventListener('click', () => {
  log.replaceChildren();
  empty.hidden = false;
});
chosen();
command.focus();
