// A server that tells digits while it trains on: POST /digits with { images: [[784 numbers from 0 to 255], …] }.
// Run: node --import tsx docs/examples/server.ts [port] [images] (in the npm package, import from 'stridenet')
import fastify from 'fastify';
import * as sn from '../../lib/index.ts';

const [port = '3000', images = '60000'] = process.argv.slice(2);
const { train, test } = await sn.data.mnist();
const net = sn.models.mnist({ seed: 1 });
// Requests are answered by this one, which waits for no training step.
let served = net.snapshot({ batching: { maxBatch: 64, maxQueued: 1000 } });
let accuracy: number | null = null;

const stop = new AbortController();
const training = net
  .fit(sn.data.slice(train, 0, Number(images)), {
    epochs: 10,
    batchSize: 250,
    validationData: test,
    signal: stop.signal,
    callbacks: {
      onEpoch: (event) => {
        served = net.snapshot({ batching: { maxBatch: 64, maxQueued: 1000 } });
        accuracy = event.validation?.accuracy ?? null;
      },
    },
  })
  .catch((error: sn.StridenetError) => {
    if (error.code !== 'ERR_ABORTED') throw error;
  });

const schema = {
  body: {
    type: 'object',
    required: ['images'],
    properties: {
      images: {
        type: 'array',
        minItems: 1,
        maxItems: 100,
        items: {
          type: 'array',
          minItems: 784,
          maxItems: 784,
          items: { type: 'integer', minimum: 0, maximum: 255 },
        },
      },
    },
  },
};

const app = fastify();

app.post<{ Body: { images: number[][] } }>('/digits', { schema }, async ({ body }, reply) => {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const x = new sn.Tensor(
    Uint8Array.from(body.images.flat()),
    [body.images.length, 1, 28, 28],
    'uint8',
  );
  const probabilities = await served.predict(x, { signal: gone.signal });
  const digits = body.images.map((_, i) => {
    const row = [...probabilities.data.subarray(10 * i, 10 * (i + 1))];
    const probability = Math.max(...row);
    return { digit: row.indexOf(probability), probability };
  });
  return { digits, accuracy };
});

app.setErrorHandler((error, _, reply) => {
  const full = error instanceof sn.StridenetError && error.code === 'ERR_QUEUE_FULL';
  if (full) return reply.code(503).header('retry-after', 1).send({ error: 'too many requests' });
  return reply.send(error);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    stop.abort();
    await Promise.all([training, app.close()]);
  });
}

console.log(`listening on ${await app.listen({ port: Number(port) })}`);
