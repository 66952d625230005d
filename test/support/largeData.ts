// Trains over more samples than fit into a bound of memory, in a process of its own; prints how much
// was read and how much memory was resident at most.
import * as sn from '../../lib/index.ts';

const [count = 0, side = 0] = process.argv.slice(2).map(Number);
const bytes = 3 * side * side;
let most = 0;
const dataset = sn.data
  .from({
    length: count,
    get(index: number): sn.data.Sample {
      const x = sn.zeros([3, side, side], 'uint8');
      x.data.fill(index % 251);
      if (index % 50 === 0) most = Math.max(most, process.memoryUsage().rss);
      return { x, y: index % 2 };
    },
  })
  .map(({ x, y }, { random }) => {
    x.data[0] = random.integer(256);
    return { x, y };
  })
  .prefetch(8);
const net = sn.sequential({
  inputShape: [3, side, side],
  layers: [
    sn.layers.maxPool2d({ kernelSize: side }),
    sn.layers.flatten(),
    sn.layers.dense({ units: 2 }),
  ],
});
const before = process.memoryUsage().rss;
const { epochs } = await net.fit(dataset, { batchSize: 32 });
let read = 0;
for await (const { x } of dataset) read += x.data.length;
console.log(JSON.stringify({ bytes: count * bytes, read, before, most, steps: epochs[0]?.step }));
