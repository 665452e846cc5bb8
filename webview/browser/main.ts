import { createBrowserLink } from './link.ts';
import { openLogs, openShell } from './logs.ts';
import { createSession } from './session.ts';
import { showLogin } from './shell.ts';
import { followTheme } from './theme.ts';

// What runs in a browser at the emulator's own address: signs in, then shows the page of the address.

followTheme();
const [, encoded] = /^\/dashboard\/apps\/[^/]+\/([^/]+)\/logs$/.exec(location.pathname) ?? [];
const app = encoded === undefined ? undefined : decodeURIComponent(encoded);
const session = createSession();
const early = session.get().state === 'in' || location.hash !== '' ? openShell(app) : undefined;
await session.takeCode();
if (session.get().state === 'in') open(early);
else {
  showLogin(session.get());
  const unsubscribe = session.onChange((now) => {
    if (now.state !== 'in') return showLogin(now);
    unsubscribe();
    open();
  });
}

function open(shell = openShell(app)): void {
  openLogs(session, createBrowserLink(session), shell, app);
}
