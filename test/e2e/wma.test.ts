import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Checkout, checkOut } from '../conformance/checkout.ts';
import { sdks } from '../conformance/sdks.ts';
import { chromiumFlags, installLab } from '../lab/install.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { owner } from '../support/http.ts';
import { isBrowserMissing } from '../support/needs.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';

const noBrowser = isBrowserMissing();

/**
 * A session as the SDK's WMA.md describes it, by the browser's own WebRTC: one complete offer to `/start-session`, whose answer is the first
 * event of a stream that owns the session. `send`: a message for the control channel; gives back what the app says and shows.
 */
const page = `<!doctype html><meta charset="utf-8"><title>wma</title><script>
window.session = async ({ url, key, camera, send }) => {
  const peer = new RTCPeerConnection();
  const control = peer.createDataChannel('control');
  const opened = new Promise((resolve) => { control.onopen = resolve; });
  const said = new Promise((resolve) => { control.onmessage = ({ data }) => resolve(JSON.parse(data)); });
  const shown = new Promise((resolve) => { peer.ontrack = ({ track }) => resolve(track); });
  if (camera) {
    const media = await navigator.mediaDevices.getUserMedia({ video: { width: 480, height: 270 } });
    for (const track of media.getTracks()) peer.addTrack(track, media);
  }
  await peer.setLocalDescription(await peer.createOffer());
  if (peer.iceGatheringState !== 'complete')
    await new Promise((resolve) => { peer.onicecandidate = ({ candidate }) => candidate ?? resolve(); });
  const leave = new AbortController();
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: 'Key ' + key, 'content-type': 'application/json' },
    body: JSON.stringify({ sdp: peer.localDescription.sdp, type: 'offer' }),
    signal: leave.signal,
  });
  if (!response.ok) return { status: response.status, body: await response.text() };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('\\n\\n')) text += (await reader.read()).value;
  const answer = JSON.parse(text.split('\\n').find((line) => line.startsWith('data: ')).slice(6));
  await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
  await opened;
  control.send(JSON.stringify(send));
  const result = { candidates: answer.sdp.match(/a=candidate:.*/g).map((line) => line.split(' ')[4]) };
  if (camera) {
    const video = Object.assign(document.createElement('video'), { muted: true, srcObject: new MediaStream([await shown]) });
    await video.play();
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    result.size = [video.videoWidth, video.videoHeight];
  } else result.said = await said;
  leave.abort();
  peer.close();
  return result;
};
</script>`;

let pages: Server;
let port: number;
let emulator: Emulator;
let project: Project;
let examples: Checkout;
let browser: Browser;

beforeAll(async () => {
  pages = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(page);
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
  project = await createProject(tools, emulator, {});
  const { chromium: executablePath } = await installLab();
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

async function session(example: string, app: string, about: { camera: boolean; send: object }): Promise<unknown> {
  await project.mustFal('deploy', `${join(examples.folder, 'examples', example)}::${app}`, '--app-name', 'wma');
  const url = `http://localhost:${emulator.ports.run}/${await owner(emulator)}/wma/start-session`;
  const tab = await browser.newPage();
  await tab.goto(`http://localhost:${port}/`);
  return await tab.evaluate(`window.session(${JSON.stringify({ url, key: emulator.variables.FAL_KEY, ...about })})`);
}

describe.skipIf(noBrowser)(
  'a WebRTC session with an unmodified example of the SDK, from a page in Chromium',
  {
    timeout: 300_000,
  },
  () => {
    it('opens its control channel over loopback alone, and hears its messages answered', async () => {
      const send = { type: 'echo', text: 'hello' };
      const got = await session('wma_echo.py', 'EchoApp', { camera: false, send });
      expect(got).toEqual({ candidates: ['127.0.0.1'], said: send });
    });

    it('sends the camera, and shows what the app makes of it', async () => {
      const send = { type: 'effect', mode: 'edges', strength: 1 };
      const got = await session('wma_filter.py', 'FilterApp', { camera: true, send });
      expect(got).toMatchObject({ size: [480, 270] });
    });
  },
);
