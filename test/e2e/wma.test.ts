import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { templatesFolder } from '../../emulator/local/templates/find.ts';
import { type Checkout, checkOut } from '../conformance/checkout.ts';
import { sdks } from '../conformance/sdks.ts';
import { chromiumFlags, installBrowser } from '../lab/install.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { isBrowserMissing } from '../support/needs.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

const noBrowser = isBrowserMissing();

/**
 * A session with the browser's own WebRTC. `bridge`: over the bridge, like fal's page on WMA and `@fal-ai/client`, with
 * ICE servers and heartbeats; otherwise as the SDK's WMA.md describes: one complete offer to `/start-session`, whose
 * answer is the first event of a stream that owns the session. `send`: a message for the control channel. Returns the
 * app's messages and video.
 */
const page = `<!doctype html><meta charset="utf-8"><title>wma</title><script>
const gathered = (peer) => new Promise((resolve) => {
  const done = () => peer.iceGatheringState === 'complete' && resolve();
  peer.onicegatheringstatechange = done;
  done();
  // As the page on WMA has it: a STUN server that can't be reached must not hold the offer up.
  setTimeout(resolve, 5000);
});
window.session = async ({ url, bridge, key, camera, send }) => {
  const leave = new AbortController();
  const post = (to, body, headers = {}) => fetch(to, {
    method: 'POST',
    headers: { authorization: 'Key ' + key, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: leave.signal,
  });
  const ask = async (path, body) => {
    const { base, proxy, app_id } = bridge;
    const response = await (proxy ? post(proxy, body, { 'x-fal-target-url': base + path }) : post(base + path, body));
    if (!response.ok) throw new Error(path + ': ' + response.status + ' ' + (await response.text()));
    return await response.json();
  };
  const ice = bridge ? await ask('/ice', { app_id: bridge.app_id }) : undefined;
  const peer = new RTCPeerConnection({ iceServers: ice?.ice_servers ?? [] });
  const control = peer.createDataChannel('control');
  const opened = new Promise((resolve) => { control.onopen = resolve; });
  const reply = new Promise((resolve) => { control.onmessage = ({ data }) => resolve(JSON.parse(data)); });
  const shown = new Promise((resolve) => { peer.ontrack = ({ track }) => resolve(track); });
  if (camera) {
    const media = await navigator.mediaDevices.getUserMedia({ video: { width: 480, height: 270 } });
    for (const track of media.getTracks()) peer.addTrack(track, media);
  }
  await peer.setLocalDescription(await peer.createOffer());
  await gathered(peer);
  const offer = { sdp: peer.localDescription.sdp, type: 'offer' };
  const streamed = async () => {
    const response = await post(url, offer);
    if (!response.ok) throw new Error(response.status + ' ' + (await response.text()));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('\\n\\n')) text += (await reader.read()).value;
    return JSON.parse(text.split('\\n').find((line) => line.startsWith('data: ')).slice(6));
  };
  const bridged = () => ask('/session', { app_id: bridge.app_id, ...offer });
  const { sdp, type, session_id } = await (bridge ? bridged() : streamed());
  await peer.setRemoteDescription({ type, sdp });
  await opened;
  control.send(JSON.stringify(send));
  const addresses = sdp.match(/a=candidate:.*/g).map((line) => line.split(' ')[4]);
  const result = { candidates: [...new Set(addresses)] };
  if (camera) {
    const srcObject = new MediaStream([await shown]);
    const video = Object.assign(document.createElement('video'), { muted: true, srcObject });
    await video.play();
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    result.size = [video.videoWidth, video.videoHeight];
  } else result.reply = await reply;
  if (bridge) result.alive = (await ask('/session/heartbeat', { session_id })).alive;
  leave.abort();
  peer.close();
  return { ...result, session_id };
};
</script>`;

/** Returns the fields that the bridge passed, and reports units at the end of a session. */
const app = `
import fal.wma

class World(fal.wma.App):
    machine_type = "XS"
    secrets = ["FAL_KEY"]

    async def create_backend(self, session):
        from aiortc import RTCConfiguration
        offer = session.offer
        ice = fal.wma.RunnerIceConfig.from_bridge()
        servers, turn = await ice.build_ice_servers_async(offer.ice_servers, forwarded_status=offer.ice_status)

        def describe(message):
            session.add_billable_units(2.5)
            session.send({"type": "described", "id": session.id, "servers": offer.ice_servers, "status": ice.status,
                          "forwarded": offer.ice_status, "used": [server.urls for server in servers], "turn": turn})

        session.on_message("describe", describe)
        return fal.wma.AiortcPeer(session, lambda _pc: None, rtc_configuration=RTCConfiguration(iceServers=servers))
`;

let pages: Server;
let port: number;
let emulator: Emulator;
let project: Project;
let examples: Checkout;
let browser: Browser;

beforeAll(async () => {
  const own = readFileSync(join(templatesFolder(), 'webrtc-filter', 'page.html'));
  pages = createServer(({ url }, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(url === '/page.html' ? own : page);
  });
  pages.listen(0, 'localhost');
  await once(pages, 'listening');
  const address = pages.address();
  port = typeof address === 'object' && address ? address.port : 0;
  emulator = await startEmulator({ args: ['--allow-origin', `http://localhost:${port}`] });
  const tools = await pythonTools();
  const source = sdks[0]?.suites[0]?.source;
  if (!source) throw new Error('the newest SDK has no source');
  examples = await checkOut(source, tools);
  project = await createProject(tools, emulator, { 'world.py': app });
  const executablePath = await installBrowser();
  const camera = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
  browser = await chromium.launch({ executablePath, args: [...chromiumFlags, ...camera] });
});
afterAll(async () => {
  await browser?.close();
  await project?.remove();
  await examples?.remove();
  await emulator?.stop();
  pages?.close();
});

interface SessionOptions {
  readonly camera: boolean;
  readonly send: object;
  /** Uses the bridge instead of the run host: its address, and the proxy. */
  readonly bridge?: { readonly base: string; readonly proxy?: string };
}

async function session(file: string, { bridge, ...options }: SessionOptions): Promise<unknown> {
  await project.mustFal('deploy', file, '--app-name', 'wma');
  const appId = `${await owner(emulator)}/wma`;
  const about = {
    url: `http://localhost:${emulator.ports.run}/${appId}/start-session`,
    key: emulator.variables.FAL_KEY,
    ...options,
    ...(bridge ? { bridge: { app_id: appId, ...bridge } } : {}),
  };
  const tab = await browser.newPage();
  await tab.goto(`http://localhost:${port}/`);
  return await tab.evaluate(`window.session(${JSON.stringify(about)})`);
}

const example = (name: string) => join(examples.folder, 'examples', name);

describe.skipIf(noBrowser)('a WebRTC session from a page in Chromium', { timeout: 300_000 }, () => {
  it('opens its control channel over loopback only, and gets answers to its messages', async () => {
    const send = { type: 'echo', text: 'hello' };
    const got = await session(`${example('wma_echo.py')}::EchoApp`, { camera: false, send });
    expect(got).toEqual({ candidates: ['127.0.0.1'], reply: send, session_id: null });
  });

  it('sends the camera, and shows the app’s video', async () => {
    const send = { type: 'effect', mode: 'edges', strength: 1 };
    const got = await session(`${example('wma_filter.py')}::FilterApp`, { camera: true, send });
    expect(got).toMatchObject({ size: [480, 270] });
  });

  it("sends the camera over the bridge, which the JS client's proxy mode reaches as wma.fal.run", async () => {
    const send = { type: 'effect', mode: 'edges', strength: 1 };
    const proxy = `http://localhost:${emulator.ports.api}/api/fal/proxy`;
    const bridge = { base: 'https://wma.fal.run', proxy };
    const got = await session(`${example('wma_filter.py')}::FilterApp`, { camera: true, send, bridge });
    expect(got).toMatchObject({ candidates: ['127.0.0.1'], size: [480, 270], alive: true });
  });

  it('gets ICE servers from the bridge, and its units are settled after the page has left', async () => {
    const bridge = { base: `http://wma.localhost:${emulator.ports.run}` };
    const got = await session('world.py::World', { camera: false, send: { type: 'describe' }, bridge });
    const stun = 'stun:stun.l.google.com:19302';
    expect(got).toMatchObject({
      alive: true,
      reply: {
        servers: [{ urls: stun }],
        forwarded: 'stun_only',
        status: 'stun_only',
        used: [stun],
        turn: false,
        id: z.object({ session_id: z.uuid() }).parse(got).session_id,
      },
    });
    // The session's own lines, among those of earlier sessions without units.
    await until('its units are settled', async () => {
      const response = await call(emulator, 'api', '/logs/?app_id=wma&search=settled');
      const lines = z.array(z.object({ message: z.string() })).parse(await response.json());
      return lines.some(({ message }) => message === 'Billable units settled: 2.50000000');
    });
  });

  it('filters the camera of the page of the template webrtc-filter, which changes the filter', async () => {
    await project.mustFal('deploy', `${join(templatesFolder(), 'webrtc-filter', 'app.py')}::WebRTCFilter`);
    const tab = await browser.newPage();
    await tab.goto(`http://localhost:${port}/page.html`);
    await tab.getByLabel('Bridge').fill(`http://wma.localhost:${emulator.ports.run}`);
    await tab.getByLabel('App').fill(`${await owner(emulator)}/webrtc-filter`);
    await tab.getByLabel('Key').fill(emulator.variables.FAL_KEY ?? '');
    await tab.getByText('Start').click();
    await tab.getByText('Filter: edges').waitFor();
    await tab.getByLabel('Filter').selectOption('gray');
    await tab.getByText('Filter: gray').waitFor();
    // Gray everywhere, in a picture that isn't one color.
    const isGray = `(() => {
      const video = document.querySelector('video');
      const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 });
      const context = canvas.getContext('2d');
      context.drawImage(video, 0, 0, 64, 36);
      const { data } = context.getImageData(0, 0, 64, 36);
      const pixels = Array.from({ length: 64 * 36 }, (_, at) => data.slice(at * 4, at * 4 + 3));
      const isAlmost = (a, b) => Math.abs(a - b) < 12;
      return new Set(pixels.map(([red]) => red)).size > 1 &&
        pixels.every(([red, green, blue]) => isAlmost(red, green) && isAlmost(green, blue));
    })()`;
    await until('its video is gray', () => tab.evaluate<boolean>(isGray));
    await tab.close();
  });
});
