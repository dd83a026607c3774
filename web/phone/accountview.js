// Signing in and out. Of the password only its digest leaves this file.

import { byId, setText } from '../app.dom.js';
import { readAccount } from './address.js';
import { ha1 } from './md5.js';
import { BAD_ACCOUNT, NO_PASSWORD } from './texts.js';

/**
 * @typedef {import('./account.js').Identity} Identity
 * @typedef {{ signIn(identity: Identity, remember: boolean): void, signOut(): void, problem(text: string): void }} AccountActions
 */

/**
 * @param {{ identity: Identity, remembered: boolean } | null} known
 * @param {AccountActions} actions
 */
export function createAccountView(known, actions) {
  const input = (/** @type {string} */ id) => byId(id, HTMLInputElement);
  const page = {
    form: byId('accountForm', HTMLFormElement), address: input('address'), password: input('password'), name: input('displayName'),
    signIn: byId('signIn', HTMLButtonElement), remember: input('remember'), realm: input('realm'),
    me: byId('me', HTMLElement), state: byId('meState', HTMLElement)
  };
  /** The digest in use, good for the same address as long as no password is typed. @type {Identity | null} */
  let kept = known?.identity ?? null;
  page.address.value = kept?.address ?? '';
  page.name.value = kept?.name ?? '';
  page.remember.checked = known?.remembered ?? false;

  page.form.addEventListener('submit', (event) => {
    event.preventDefault();
    const account = readAccount(page.address.value);
    if (!account) {
      actions.problem(BAD_ACCOUNT);
      return page.address.focus();
    }
    const realm = page.realm.value.trim();
    const typed = page.password.value;
    if (!typed && (realm || kept?.address !== account.address)) {
      actions.problem(NO_PASSWORD);
      return page.password.focus();
    }
    const digest = typed ? ha1(account.user, realm || account.domain, typed) : (kept?.ha1 ?? '');
    kept = { address: account.address, domain: account.domain, ha1: digest, name: page.name.value.trim() };
    page.password.value = '';
    actions.signIn(kept, page.remember.checked);
  });
  byId('signOut', HTMLButtonElement).addEventListener('click', () => {
    kept = null;
    page.password.value = '';
    actions.signOut();
  });

  return {
    /**
     * @param {Identity | null} identity
     * @param {string} state of the registration, in words
     * @param {boolean} busy
     */
    render(identity, state, busy) {
      page.signIn.disabled = busy;
      setText(page.signIn, busy ? 'Signing in…' : 'Sign in');
      setText(page.me, identity?.name || identity?.address || '');
      setText(page.state, identity ? [identity.name ? identity.address : '', state].filter(Boolean).join(' · ') : '');
    },

    /** What needs attention: the password if the address is known. */
    focus() {
      (page.address.value ? page.password : page.address).focus();
    }
  };
}
