import { type Bed, createBed, platformHeaders, type RunnerAddress, runnerAddress } from './bed.ts';
import { type Connection, openConnection, requestBytes } from './client.ts';
import { median, show, summarise } from './stats.ts';

/** A call as both sides see it, and the expected answer. */
interface Subject {
  readonly title: string;
  readonly app: string;
  readonly body: (n: number) => unknown;
  readonly expected: (n: number) => string;
}

interface Way {
  readonly port: number;
  /** Absent: 127.0.0.1. */
  readonly host?: string;
  readonly request: (n: number) => Buffer;
}

const connections = 32;
/** Warm-up until V8 has optimised the gateway: some ten thousand requests. */
const warmUpSeconds = 10;

/**
 * Makes the same calls directly to the app's server and through the gateway, alternating: A B A B. Compares every
 * answer. Goals: one connection, +0.5 ms median and +3 ms p99; 32 connections, 90 % of the direct rate.
 */
export async function benchGateway({ rounds, seconds }: { readonly rounds: number; readonly seconds: number }) {
  const bed = await createBed();
  try {
    await bed.deploy('Hello', 'hello');
    await bed.deploy('echo', 'echo');
    bed.openGate();
    const subjects: readonly Subject[] = [
      {
        title: 'SDK app (templates/hello)',
        app: `${bed.owner}/hello`,
        body: (n) => ({ name: `n${n}` }),
        expected: (n) => `{"message":"Hello, n${n}!"}`,
      },
      {
        title: 'raw echo server (exposed_port)',
        app: `${bed.owner}/echo`,
        body: (n) => ({ name: `echo${n}` }),
        expected: (n) => `{"name":"echo${n}"}`,
      },
    ];
    for (const subject of subjects) await measure(bed, subject, rounds, seconds);
  } finally {
    await bed.stop();
  }
}

async function measure(bed: Bed, subject: Subject, rounds: number, seconds: number): Promise<void> {
  const gateway = throughGateway(bed, subject);
  await check(gateway, subject, 0); // starts the runner
  const direct = straight(subject, await runnerAddress(bed.emulator, subject.body(0), subject.expected(0)));
  console.log(`\n${subject.title}, an emulator that was just started`);
  await alone(subject, direct, gateway, 300);
  await together(bed, subject, direct, gateway, { seconds, pairs: 1 });
  await block(subject, gateway, warmUpSeconds);
  console.log(`${subject.title}, an emulator that has run for a while`);
  await alone(subject, direct, gateway, rounds);
  await together(bed, subject, direct, gateway, { seconds, pairs: 5 });
}

function throughGateway({ emulator }: Bed, { app, body }: Subject): Way {
  const port = emulator.ports.run;
  const headers = { authorization: emulator.authorization };
  return { port, request: (n) => requestBytes('POST', `/${app}`, headers, body(n))(port) };
}

function straight({ app, body }: Subject, { host, port }: RunnerAddress): Way {
  return { host, port, request: (n) => requestBytes('POST', '/', platformHeaders(app), body(n))(port) };
}

/** One connection each; the two paths alternate request by request. */
async function alone(subject: Subject, direct: Way, gateway: Way, rounds: number): Promise<void> {
  const a = await openConnection(direct.port, direct.host);
  const b = await openConnection(gateway.port);
  const times = { direct: [] as number[], gateway: [] as number[] };
  for (let n = 0; n < rounds + 200; n++) {
    const directMs = await timed(a, direct, subject, n);
    const gatewayMs = await timed(b, gateway, subject, n);
    if (n < 200) continue; // both sides warm up
    times.direct.push(directMs);
    times.gateway.push(gatewayMs);
  }
  a.close();
  b.close();
  const [d, g] = [summarise(times.direct), summarise(times.gateway)];
  const line = (name: string, { median, p99, min, max }: typeof d) =>
    console.log(
      `  1 connection   ${name.padEnd(8)} median ${median.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms  ` +
        `(${min.toFixed(2)} .. ${max.toFixed(2)})  n=${d.count}`,
    );
  line('direct', d);
  line('gateway', g);
  goal('median', g.median - d.median, 0.5, 'ms');
  goal('p99', g.p99 - d.p99, 3, 'ms');
}

/** 32 connections; blocks of both paths alternate. */
async function together(
  bed: Bed,
  subject: Subject,
  direct: Way,
  gateway: Way,
  { seconds, pairs }: { readonly seconds: number; readonly pairs: number },
): Promise<void> {
  const rates = { direct: [] as number[], gateway: [] as number[] };
  let cpu = 0;
  let count = 0;
  for (let pair = 0; pair < pairs; pair++) {
    rates.direct.push((await block(subject, direct, seconds)) / seconds);
    const before = bed.cpuMs();
    const done = await block(subject, gateway, seconds);
    cpu += bed.cpuMs() - before;
    count += done;
    rates.gateway.push(done / seconds);
  }
  const ratios = rates.gateway.map((rate, at) => rate / (rates.direct[at] ?? Number.NaN));
  console.log(`  ${connections} connections direct   ${show(rates.direct, 0)} requests/s`);
  console.log(`  ${connections} connections gateway  ${show(rates.gateway, 0)} requests/s`);
  console.log(
    `  ${connections} connections ratio    ${show(
      ratios.map((r) => r * 100),
      0,
    )} %  (goal: at least 90 %)  ${median(ratios) >= 0.9 ? 'met' : 'MISSED'}`,
  );
  console.log(`  emulator's CPU per request: ${(cpu / count).toFixed(3)} ms`);
}

async function block(subject: Subject, way: Way, seconds: number): Promise<number> {
  const all = await Promise.all(Array.from({ length: connections }, () => openConnection(way.port, way.host)));
  const until = performance.now() + seconds * 1000;
  let done = 0;
  await Promise.all(
    all.map(async (connection, index) => {
      for (let n = index; performance.now() < until; n += connections) {
        await timed(connection, way, subject, n);
        if (performance.now() < until) done++;
      }
      connection.close();
    }),
  );
  return done;
}

async function timed(connection: Connection, way: Way, subject: Subject, n: number): Promise<number> {
  const request = way.request(n);
  const before = performance.now();
  const answer = await connection.exchange(request);
  const ms = performance.now() - before;
  if (answer.status !== 200 || answer.body !== subject.expected(n)) {
    throw new Error(`wrong answer ${answer.status} ${answer.body} to request ${n} of ${subject.title}`);
  }
  return ms;
}

async function check(way: Way, subject: Subject, n: number): Promise<void> {
  const connection = await openConnection(way.port);
  await timed(connection, way, subject, n);
  connection.close();
}

function goal(what: string, measured: number, limit: number, unit: string): void {
  const word = measured <= limit ? 'met' : 'MISSED';
  console.log(`  1 connection   ${what} +${measured.toFixed(2)} ${unit}  (goal: at most +${limit})  ${word}`);
}
