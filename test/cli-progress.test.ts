import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EpochEvent, StepEvent } from '../lib/train/events.ts';
import { createProgress, formatSeconds, type ProgressStream } from '../lib/train/progress.ts';

const means = { loss: 0.5, accuracy: 0.875, metrics: { loss: 0.5, accuracy: 0.875 } };

function step(samples: number, epoch = 1): StepEvent {
  return {
    ...{ type: 'step', epoch, epochs: 2, step: 1, steps: 12, samples, samplesPerEpoch: 6000 },
    ...{ ...means, learningRate: 0.001, imagesPerSecond: 1000 },
    secondsLeft: (6000 * (3 - epoch) - samples) / 1000,
  };
}

function epoch(extra: Partial<EpochEvent> = {}): EpochEvent {
  return {
    ...{ type: 'epoch', epoch: 1, epochs: 2, step: 6, steps: 12, ...means, learningRate: 0.001 },
    ...{ imagesPerSecond: 1234.5, seconds: 4.86, ...extra },
  };
}

/** A stream that keeps what is written to it. */
function sink(isTTY: boolean): ProgressStream & { text(): string } {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (chunk) => {
    text += chunk;
  });
  return Object.assign(stream, { isTTY, columns: 120, text: () => text });
}

/** Text without the sequences that move a terminal's cursor. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  return text.replace(/\u001b\[[\d;?]*[A-Za-z]|\u001b[78]/g, '');
}

describe('createProgress', () => {
  let now = 0;

  beforeEach(() => {
    now = 1e6;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each([false, undefined])('shows nothing for %s', (verbose) => {
    const stream = sink(true);
    const progress = createProgress(verbose, stream);
    void progress.onStep(step(1000));
    void progress.onEpoch(epoch());
    progress.stop();
    expect(stream.text()).toBe('');
  });

  it.each([false, true])(
    'counts samples when nobody knows how many there are (terminal: %s)',
    async (isTTY) => {
      const stream = sink(isTTY);
      const progress = createProgress(true, stream);
      now += 5001;
      await progress.onStep({ ...step(2500), samplesPerEpoch: null, secondsLeft: null });
      progress.stop();
      expect(visible(stream.text())).toMatch(/epoch 1\/2,? 2,500 samples[:,] loss 0.5000/);
      expect(visible(stream.text())).not.toMatch(/left|NaN|null/);
    },
  );

  it('writes a line an epoch, and one within it every five seconds, when there is no terminal', () => {
    const stream = sink(false);
    const progress = createProgress(true, stream);
    for (const samples of [1000, 2000, 3000]) {
      now += 2000;
      void progress.onStep(step(samples));
    }
    void progress.onEpoch(epoch());
    now += 4999;
    void progress.onStep(step(1000, 2));
    void progress.onEpoch(epoch({ validation: { loss: 0.25, accuracy: 0.9 } }));
    progress.stop();
    expect(stream.text().split('\n')).toEqual([
      'epoch 1/2, 3,000 of 6,000: loss 0.5000, accuracy 87.50 %, 1,000 images/s, 0:09 left',
      'epoch 1/2: loss 0.5000, accuracy 87.50 %, 1,235 images/s, 4.9 s',
      'epoch 1/2: loss 0.5000, accuracy 87.50 %, 1,235 images/s, 4.9 s; validation loss 0.2500, accuracy 90.00 %',
      '',
    ]);
  });

  it('shows a loss without accuracy, other metrics, and no time while no rate is known', () => {
    const stream = sink(false);
    const progress = createProgress('plain', stream);
    const { accuracy: _, ...rest } = step(6000, 2);
    now += 6000;
    void progress.onStep({ ...rest, metrics: { loss: 0.5, margin: 2 }, imagesPerSecond: 0 });
    now += 6000;
    void progress.onStep({ ...step(0), imagesPerSecond: 0, secondsLeft: null });
    expect(stream.text()).toBe(
      'epoch 2/2, 6,000 of 6,000: loss 0.5000, margin 2.0000, 0 images/s, 0:00 left\n' +
        'epoch 1/2, 0 of 6,000: loss 0.5000, accuracy 87.50 %, 0 images/s\n',
    );
  });

  it('draws a bar an epoch on a terminal, and stops its clock', async () => {
    const stream = sink(true);
    const progress = createProgress(true, stream);
    await progress.onStep(step(3000));
    await progress.onEpoch(epoch());
    await progress.onStep(step(6000, 2));
    progress.stop();
    progress.stop();
    const lines = visible(stream.text()).split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/epoch 1\/2 █+░+ 50 % loss 0.5000, accuracy 87.50 %, 1,235 images\/s/);
    expect(lines[1]).toMatch(/epoch 2\/2 █+ 100 % loss 0.5000, .*, 0:00 left/);
    const after = stream.text();
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(stream.text()).toBe(after);
    await progress.onStep(step(1000, 2));
    expect(stream.text()).toBe(after);
  });

  it.each(['plain', 'bar'] as const)('says where training goes on (%s)', (kind) => {
    const stream = sink(kind === 'bar');
    const place = { epochs: 3, steps: 9, stepsPerEpoch: 3, samplesPerEpoch: 30 };
    const progress = createProgress(kind, stream);
    progress.onStart({ type: 'start', epoch: 1, step: 0, ...place });
    expect(stream.text()).toBe('');
    progress.onStart({ type: 'start', epoch: 2, step: 1004, ...place });
    expect(stream.text()).toBe('goes on after step 1,004, epoch 2/3\n');
    progress.stop();
  });

  it('refuses another verbosity', () => {
    for (const verbose of ['loud', 1, null]) {
      expect(() => createProgress(verbose as never)).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT' }),
      );
    }
  });
});

it('times are minutes and seconds, and hours when there are some', () => {
  expect([0, 0.2, 59, 61, 3599.5, 3661, -5].map(formatSeconds)).toEqual([
    '0:00',
    '0:01',
    '0:59',
    '1:01',
    '1:00:00',
    '1:01:01',
    '0:00',
  ]);
});
