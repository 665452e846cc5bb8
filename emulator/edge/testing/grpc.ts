import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { type ChannelOptions, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadServices } from '../../wire/services.ts';
import type { GrpcEdge } from '../grpc/server.ts';

/** The result of one call of a test. */
export interface Reply {
  readonly code: number;
  readonly details: string;
  /** Decoded messages: one for a unary call, any number for a stream. */
  readonly messages: readonly { readonly [field: string]: unknown }[];
}

/** A socket for the edge, and a client of the real gRPC library on it. */
export async function grpcOnSocket(makeEdge: (port: number) => GrpcEdge) {
  // As passed on by edge/listener.ts: half-open allowed, the first bytes read and put back.
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;
  const edge = makeEdge(port);
  server.on('connection', (socket) => {
    socket.once('readable', () => {
      const first: Buffer | null = socket.read();
      if (first === null) return void socket.destroy();
      socket.unshift(first);
      edge.inject(socket);
    });
  });
  const { controller } = loadServices();
  const clients: Client[] = [];

  function client(options: ChannelOptions = {}): Client {
    const made = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      ...options,
    });
    clients.push(made);
    return made;
  }
  /**
   * A client on a connection that can be cut: the server then sees only the end of the connection, as when a process
   * dies.
   */
  async function clientProcess() {
    const ends: (() => void)[] = [];
    const proxy = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      near.pipe(far, { end: false });
      far.pipe(near, { end: false });
      near.on('error', () => {});
      ends.push(() => far.end());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const bound = proxy.address();
    if (bound === null || typeof bound === 'string') throw new Error('no port');
    const made = new Client(`127.0.0.1:${bound.port}`, credentials.createInsecure(), {
      'grpc.default_authority': `127.0.0.1:${port}`,
    });
    clients.push(made);
    return {
      client: made,
      die() {
        for (const end of ends) end();
        proxy.close();
      },
    };
  }
  const usual = client();

  /** Starts a call; `reply` settles when it ends. Works for unary methods and server streams alike. */
  function start(method: string, request: object, metadata: Readonly<Record<string, string>>, by: Client = usual) {
    const definition = controller[method];
    if (definition === undefined) throw new Error(`no method ${method}`);
    const headers = new Metadata();
    for (const [name, value] of Object.entries(metadata)) headers.set(name, value);
    const { path, requestSerialize, responseDeserialize } = definition;
    const call = by.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, headers);
    const messages: { readonly [field: string]: unknown }[] = [];
    const arrivals: (() => void)[] = [];
    call.on('data', (message) => {
      messages.push(message);
      for (const arrived of arrivals.splice(0)) arrived();
    });
    const reply = new Promise<Reply>((resolve) => {
      call.on('error', ({ code, details }: ServiceError) => resolve({ code, details, messages }));
      call.on('status', ({ code, details }) => resolve({ code, details, messages }));
    });
    return {
      reply,
      messages,
      cancel: () => call.cancel(),
      /** Resolves when a message that `wanted` accepts has arrived. */
      async until(wanted: (message: { readonly [field: string]: unknown }) => boolean): Promise<void> {
        while (!messages.some(wanted)) await new Promise<void>((arrived) => arrivals.push(arrived));
      },
    };
  }

  return {
    port,
    edge,
    client,
    clientProcess,
    start,
    call: (method: string, request: object, metadata: Readonly<Record<string, string>>, by?: Client) =>
      start(method, request, metadata, by).reply,
    async close() {
      for (const made of clients) made.close();
      await edge.close();
      await new Promise((closed) => server.close(closed));
    },
  };
}
