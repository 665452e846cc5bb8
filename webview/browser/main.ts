import { createBrowserLink } from './link.ts';
import { openLogs } from './logs.ts';
import { createSession } from './session.ts';
import { showLogin } from './shell.ts';
import { followTheme } from './theme.ts';

// What runs in a browser at the emulator's own address: signs in, then shows the page of the address.

followTheme();
const session = createSession();
await session.takeCode();
if (session.get().state === 'in') open();
else {
  showLogin(session.get());
  const unsubscribe = session.onChange((now) => {
    if (now.state !== 'in') return showLogin(now);
    unsubscribe();
    open();
  });
}

function open(): void {
  const [, app] = /^\/dashboard\/apps\/[^/]+\/([^/]+)\/logs$/.exec(location.pathname) ?? [];
  openLogs(session, createBrowserLink(session), app === undefined ? undefined : decodeURIComponent(app));
}
