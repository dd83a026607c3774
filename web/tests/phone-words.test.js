import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAccount, readTarget, sameAddress, shortAddress, targetFrom } from '../phone/address.js';
import { ha1, md5 } from '../phone/md5.js';
import { codeOf, newId } from '../phone/protocol.js';
import { endText, isFinal, refusedText, registrationText, updateText } from '../phone/reasons.js';
import { hasVideo, holdsUs, sectionOf } from '../phone/sdp.js';

test('MD5: the vectors of RFC 1321', () => {
  for (const [text, digest] of [
    ['', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['a', '0cc175b9c0f1b6a831c399e269772661'],
    ['abc', '900150983cd24fb0d6963f7d28e17f72'],
    ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
    ['abcdefghijklmnopqrstuvwxyz', 'c3fcd3d76192e4007dfb496cca67e13b'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 'd174ab98d277d9f5a5611c2c9f419d9f'],
    ['12345678901234567890123456789012345678901234567890123456789012345678901234567890', '57edf4a22be3c955ac49da2e2107b67a']
  ]) {
    assert.equal(md5(text), digest, text);
  }
});

test('MD5: every length around a block, and text that is not ASCII, as Node has it', async () => {
  const { createHash } = await import('node:crypto');
  const theirs = (text) => createHash('md5').update(text).digest('hex');
  for (let length = 50; length < 140; length += 1) assert.equal(md5('x'.repeat(length)), theirs('x'.repeat(length)), String(length));
  for (const text of ['pässwörd', '密码', '😀'.repeat(40)]) assert.equal(md5(text), theirs(text), text);
});

test('HA1: the example of RFC 2617 section 3.5', () => {
  assert.equal(ha1('Mufasa', 'testrealm@host.com', 'Circle Of Life'), '939e7578ed9e3c518a452acee763bce9');
});

test('an account is a user at a domain', () => {
  assert.deepEqual(readAccount(' sip:alice@example.com '), { address: 'alice@example.com', user: 'alice', domain: 'example.com' });
  assert.deepEqual(readAccount('bob@[::1]:5080'), { address: 'bob@[::1]:5080', user: 'bob', domain: '[::1]' });
  assert.equal(readAccount('a.b+c@x.example:5061')?.domain, 'x.example');
  for (const no of ['', 'alice', '@example.com', 'alice@', 'a b@example.com', 'alice@ex ample', 'a@b@c', 'a@b:0', 'a@b:70000', `${'x'.repeat(250)}@a.example`, 'jörg@x']) {
    assert.equal(readAccount(no), null, no);
  }
});

const target = (typed) => readTarget(typed, 'example.com').uri;

test('names and numbers belong to the own domain', () => {
  assert.equal(target('bob'), 'bob@example.com');
  assert.equal(target('bob.smith'), 'bob.smith@example.com');
  assert.equal(target(' 0221 / 123-45 (6) '), '0221123456@example.com');
  assert.equal(target('+49 221 123'), '+49221123@example.com');
  assert.equal(target('tel:+1-555.0100'), '+15550100@example.com');
  assert.equal(target('*43#'), '*43%23@example.com');
  assert.equal(target('jörg'), 'j%C3%B6rg@example.com');
});

test('full addresses stay what they are, out of whatever they were copied', () => {
  assert.equal(target('bob@other.example'), 'bob@other.example');
  assert.equal(target('SIP:bob@other.example:5080;transport=tcp'), 'bob@other.example:5080;transport=tcp');
  assert.equal(target('sips:bob@other.example'), 'bob@other.example');
  assert.equal(target('"Bob" <sip:bob@other.example>'), 'bob@other.example');
  assert.equal(target('#1@other.example'), '%231@other.example');
  assert.equal(target('sip:conference.example.org'), 'conference.example.org');
  assert.equal(target('sip:600'), '600@example.com');
});

test('what is no address is said, not dialled', () => {
  for (const bad of ['bob smith', 'bob@', '@x', 'a@b c', 'bob@x:0', 'a%zz@x.example', 'a@b;p=ü']) {
    const { uri, problem } = readTarget(bad, 'example.com');
    assert.equal(uri, '', bad);
    assert.match(problem, /no address/, bad);
  }
  for (const empty of ['', '   ', 'sip:', 'tel:']) assert.match(readTarget(empty, 'example.com').problem, /Enter whom/, empty);
  assert.match(readTarget(`${'x'.repeat(300)}@a.example`, 'example.com').problem, /too long/);
});

test('addresses are short within the own domain, and readable', () => {
  assert.equal(shortAddress('bob@example.com', 'EXAMPLE.com'), 'bob');
  assert.equal(shortAddress('sip:bob@other.example;transport=tcp', 'example.com'), 'bob@other.example');
  assert.equal(shortAddress('*43%23@example.com', 'example.com'), '*43#');
  assert.equal(shortAddress('a%zz@example.com', 'example.com'), 'a%zz');
  assert.equal(shortAddress('example.org', 'example.com'), 'example.org');
});

test('the same address in two spellings', () => {
  assert.ok(sameAddress('sip:bob@Example.com', 'bob@example.com;transport=udp'));
  assert.ok(sameAddress('%62ob@a', 'bob@a'));
  assert.ok(!sameAddress('bob@a', 'Bob@a'));
  assert.ok(!sameAddress('bob@a', 'bob@b'));
});

test('a link fills in whom to call', () => {
  assert.equal(targetFrom('?to=sip:bob@example.com'), 'bob@example.com');
  assert.equal(targetFrom('?to=%2B49221'), '+49221');
  assert.equal(targetFrom('?x=1'), '');
  assert.equal(targetFrom(`?to=${'1'.repeat(999)}`).length, 256);
});

test('a code is what a reason begins with', () => {
  assert.deepEqual(['486 Busy Here', '904 Operation has no matching challenge ', 'ICE failed', '', '4860', '12 x'].map(codeOf), [486, 904, 0, 0, 0, 0]);
});

test('ids are of version 4, each another one', () => {
  const made = Array.from({ length: 50 }, () => newId());
  for (const id of made) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(made).size, 50);
});

test('why an account is not registered: each code its own words, and what to do', () => {
  const said = new Set();
  for (const code of [401, 403, 404, 405, 408, 423, 480, 500, 503, 900, 904]) {
    const text = registrationText(`${code} Something`, 'example.com');
    assert.match(text, new RegExp(`\\(${code}\\)$`));
    assert.match(text, /again|Ask|ask|Check/, String(code));
    said.add(text);
  }
  assert.equal(said.size, 11);
  assert.match(registrationText('904 Operation has no matching challenge ', 'x'), /password is wrong/);
  assert.match(registrationText('599 Odd', 'x.example'), /x\.example has a fault/);
  assert.match(registrationText('SIP domain not allowed: x', 'x'), /does not serve/);
  assert.match(registrationText('DNS lookup error: no such', 'x.example'), /cannot be found/);
  assert.match(registrationText('', 'x'), /no reason given/);
});

test('only what time can heal is tried again', () => {
  for (const code of [401, 403, 404, 904]) assert.ok(isFinal(code), String(code));
  for (const code of [408, 480, 500, 503]) assert.ok(!isFinal(code), String(code));
});

test('why a call did not come about: each code its own words, and what to do', () => {
  const codes = [400, 402, 403, 404, 405, 408, 410, 415, 480, 484, 486, 487, 488, 503, 504, 600, 603, 604, 606, 904];
  const said = new Set(codes.map((code) => endText(`${code} Phrase`, 'bob', false)));
  assert.equal(said.size, codes.length);
  assert.match(endText('486 Busy Here', 'bob', false), /^bob is busy\. .*\(486\)$/);
  assert.match(endText('699 Odd', 'bob', false), /does not take the call\. \(699 Odd\)/);
  assert.match(endText('302 Moved', 'bob', false), /forwarded/);
  assert.match(endText('', 'bob', false), /no reason given/);
  assert.match(endText('ICE failed', 'bob', false), /firewall/);
});

test('why a call ended', () => {
  assert.equal(endText('200 OK', 'bob', true), 'bob hung up.');
  assert.equal(endText('200 OK', 'bob', false), 'The call with bob has ended.');
  assert.match(endText('408 Request Timeout', 'bob', true), /broke/);
  assert.match(endText('ICE failed', 'bob', true), /another network/);
  assert.match(endText('503 Gone', 'bob', true), /has ended: 503 Gone/);
});

test('requests that the server refuses have their words', () => {
  assert.match(refusedText('DNS lookup error: x', 'bob@nowhere'), /domain of bob@nowhere/);
  assert.match(refusedText('Unknown account specified: a', 'bob'), /Sign in again/);
  assert.match(refusedText('invalid SIP URI: x', 'x'), /no address/);
  assert.match(refusedText('Internal error', 'bob'), /Internal error/);
  for (const what of ['hold', 'resume', 'video']) assert.match(updateText(what, '488 No', 'bob'), /488 No/, what);
  assert.match(updateText('video', '', 'bob'), /takes no video/);
});

const SDP = (audio, video = '') => `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n${audio}${video}`;

test('a description tells directions, media and hold', () => {
  assert.deepEqual(sectionOf(SDP('a=sendonly\r\n'), 'audio'), { accepted: true, direction: 'sendonly' });
  assert.deepEqual(sectionOf(SDP(''), 'audio'), { accepted: true, direction: 'sendrecv' });
  assert.equal(sectionOf(SDP(''), 'video'), null);
  assert.equal(sectionOf(`v=0\r\na=inactive\r\nm=audio 9 X 0\r\n`, 'audio').direction, 'inactive');
  assert.deepEqual(['sendrecv', 'sendonly', 'recvonly', 'inactive'].map((direction) => holdsUs(SDP(`a=${direction}\r\n`))), [false, true, false, true]);
  // The picture’s direction is not the sound’s.
  assert.ok(!holdsUs(SDP('a=sendrecv\r\n', 'm=video 9 X 96\r\na=inactive\r\n')));
  assert.ok(hasVideo(SDP('', 'm=video 9 X 96\r\n')));
  assert.ok(!hasVideo(SDP('', 'm=video 0 X 96\r\n')));
  assert.ok(!hasVideo(SDP('')));
});
