// A word from the system when somebody calls while the page is out of sight. Only if the user has asked for it.

export const canNotify = () => typeof Notification === 'function';

/**
 * Browsers ask after a click.
 * @returns {Promise<boolean>} whether they may
 */
export async function askToNotify() {
  try {
    return (await Notification.requestPermission()) === 'granted';
  } catch {
    return false;
  }
}

export function createNotifier() {
  /** @type {{ id: string, notification: Notification } | null} */
  let shown = null;

  return {
    /** @param {{ id: string, text: string } | null} call that rings unseen */
    set(call) {
      if (shown?.id === call?.id) return;
      shown?.notification.close();
      shown = null;
      if (!call || !canNotify() || Notification.permission !== 'granted') return;
      try {
        const notification = new Notification(call.text, { tag: call.id, icon: '../favicon.svg', requireInteraction: true });
        notification.onclick = () => window.focus();
        shown = { id: call.id, notification };
      } catch {
        // Phones show none for a page; there the ring has to do.
      }
    }
  };
}
