import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import * as sn from '../lib/index.ts';
import { formatTable } from './measure.ts';
import { type Subject, subjects } from './networks.ts';
import { formatStreams, measureStreams } from './operators.ts';
import { measurePeers, type PeerResult } from './peers/run.ts';
import { formatProfile, profileTraining } from './profile.ts';
import { compareWithReference, formatRatios } from './reference.ts';
import {
  fmaPeak,
  gemm,
  inferMnist,
  type Measurement,
  type SuiteOptions,
  trainMnist,
} from './suites.ts';

const usage = `npm run bench -- [--threads N] [--seconds S] [--no-peers] [--suite NAME] [--json FILE]
  --threads N   threads for stridenet and its peers; default: all
  --seconds S   time for each task of each subject; default 4
  --no-peers    stridenet alone
  --suite NAME  only 'networks' (beside the peers), 'operators' (against the bandwidth of a copy)
                or 'reference' (against the reference loops); default: all three;
                or 'profile': the instructions of training steps
  --network NAME, --batch N, --isa NAME
                of 'profile': ${Object.keys(subjects).join(', ')}; default: mnist, its own
                batch, the best instruction set
  --json FILE   write all rates to FILE`;

interface Options extends SuiteOptions {
  readonly peers: boolean;
  readonly suite: string;
  readonly json: string | null;
  readonly network: string;
  readonly batch?: number;
  readonly isa?: string;
}

function parse(): Options {
  const { values } = parseArgs({
    options: {
      threads: { type: 'string', default: String(sn.cpuInfo().threads) },
      seconds: { type: 'string', default: '4' },
      'no-peers': { type: 'boolean', default: false },
      suite: { type: 'string', default: 'all' },
      json: { type: 'string' },
      network: { type: 'string', default: 'mnist' },
      batch: { type: 'string' },
      isa: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const [threads, seconds] = [Number(values.threads), Number(values.seconds)];
  const known =
    ['all', 'networks', 'operators', 'reference', 'profile'].includes(values.suite) &&
    values.network in subjects;
  if (values.help || !known || !Number.isInteger(threads) || threads < 1 || !(seconds > 0)) {
    console.log(usage);
    process.exit(values.help ? 0 : 2);
  }
  const { suite, json = null, network, isa } = values;
  const batch = values.batch === undefined ? {} : { batch: Number(values.batch) };
  const own = { network, ...batch, ...(isa === undefined ? {} : { isa }) };
  return { threads, seconds, peers: !values['no-peers'], suite, json, ...own };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function measureOurs(options: SuiteOptions): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  const tasks: [string, () => Promise<Measurement> | Measurement][] = [
    ['fma peak', () => fmaPeak('float32', options)],
    ['fma peak float64', () => fmaPeak('float64', options)],
    ['gemm 1024', () => gemm(1024, 'float32', options)],
    ['gemm 1024 float64', () => gemm(1024, 'float64', options)],
    ['training', () => trainMnist('native', options)],
    ['training on the reference', () => trainMnist('reference', options)],
    ['inference, batch 1000', () => inferMnist(1000, options)],
    ['inference, batch 1', () => inferMnist(1, options)],
  ];
  for (const [name, measure] of tasks) {
    say(`stridenet: ${name}`);
    measurements.push(await measure());
  }
  return measurements;
}

function format(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 });
}

function rateOf(result: PeerResult): number | null {
  if (result.status !== 'measured') return null;
  return result.imagesPerSecond?.median ?? result.gflops?.median ?? null;
}

/** One row a subject and task, with stridenet's rate over that subject's. */
function compare(ours: readonly Measurement[], peers: readonly PeerResult[]): string {
  const best = new Map(
    ours
      .filter(({ subject }) => subject === 'stridenet native')
      .map(({ task, rates }) => [task.replace(' float32', ''), rates.median]),
  );
  const ratio = (task: string, rate: number): string => {
    const own = best.get(task);
    return own === undefined ? '' : `${(own / rate).toFixed(2)} x`;
  };
  const rows = [
    ...ours
      .filter(({ task }) => !task.startsWith('fma'))
      .map(({ task, subject, unit, rates }) => [
        `${task}  ${subject}`,
        format(rates.median),
        unit,
        subject === 'stridenet native' ? '' : ratio(task, rates.median),
      ]),
    ...peers.map((peer) => {
      const rate = rateOf(peer);
      const name = `${peer.task}  ${peer.peer}`;
      if (rate === null || peer.status !== 'measured') return [name, peer.status, '', ''];
      const unit = peer.gflops === undefined ? 'images/s' : 'GFLOP/s';
      const label = `${name} ${peer.version}, ${peer.note}, ${peer.threads} threads`;
      return [label, format(rate), unit, ratio(peer.task, rate)];
    }),
  ].sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1));
  return formatTable(['task and subject', 'median', 'unit', 'stridenet is faster by'], rows);
}

function peaks(ours: readonly Measurement[]): string {
  return (['float32', 'float64'] as const)
    .map((dtype) => {
      const rate = (task: string): number =>
        ours.find((each) => each.task === `${task} ${dtype}`)?.rates.median ?? Number.NaN;
      const [peak, product] = [rate('fma-peak'), rate('gemm-1024')];
      return `GEMM 1024³ ${dtype}: ${format(product)} of ${format(peak)} GFLOP/s, ${((100 * product) / peak).toFixed(1)} % of the FMA peak`;
    })
    .join('\n');
}

const options = parse();
const { isa, addon } = sn.cpuInfo();
const machine = {
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cpus: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  isa,
};
say(`${machine.cpu}, ${machine.cpus} CPUs, ${options.threads} threads, ${isa}, ${addon}`);
if (options.suite === 'profile') {
  const times = profileTraining(subjects[options.network] as Subject, options);
  console.log(formatProfile(times, 40));
  process.exit(0);
}
const wanted = (suite: string): boolean => ['all', suite].includes(options.suite);
sn.setThreads(options.threads);
const ratios = wanted('reference')
  ? await compareWithReference(options, (task) => say(`reference: ${task}`))
  : [];
const streams = wanted('operators')
  ? await measureStreams(options, (task) => say(`operators: ${task}`))
  : [];
const ours = wanted('networks') ? await measureOurs(options) : [];
const peers =
  wanted('networks') && options.peers
    ? await measurePeers({
        threads: options.threads,
        seconds: options.seconds,
        onTask: (peer, task) => say(`${peer}: ${task}`),
      })
    : [];
if (ratios.length > 0) console.log(`${formatRatios(ratios)}\n`);
if (streams.length > 0) console.log(`${formatStreams(streams)}\n`);
if (ours.length > 0) console.log(`${compare(ours, peers)}\n${peaks(ours)}`);
for (const peer of peers) {
  if (peer.status !== 'measured')
    console.log(`${peer.peer} ${peer.task}: ${peer.status}. ${peer.note}`);
}
if (options.json !== null) {
  const result = { machine, options, ratios, streams, measurements: ours, peers };
  writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
}
