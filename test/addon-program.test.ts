import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Addon, tryAddon } from '../lib/backends/addon.ts';
import {
  type BufferDescription,
  type Description,
  describeTraining,
  type InstructionDescription,
} from './support/trainingProgram.ts';

// What the library never sends: hand-made Programs passed straight to the addon.

const loaded = tryAddon();
if (loaded === null) console.log('skipped: wrong Programs, no addon is built');
const addon = loaded?.addon as Addon;

const codes = /^ERR_(PROGRAM|DTYPE|ARGUMENT|MEMORY|SHAPE)$/;

/** The error of making a Program of `description`; null when it is accepted. */
function refusal(description: unknown): (Error & { code?: unknown }) | null {
  try {
    new addon.Program(description as object).dispose();
    return null;
  } catch (error) {
    return error as Error;
  }
}

function expectRefused(description: unknown, code: string, message: RegExp): void {
  const error = refusal(description);
  expect(error, 'it was accepted').not.toBeNull();
  expect(error?.message).toMatch(message);
  expect(error?.code).toBe(code);
}

const float = { shape: [4], dtype: 'float32' } as const;

/** feed 0 → relu → temporary 1; + constant 4 → fetch 2; state 3 and view 5 of 1 unused. */
function small(): Description {
  const buffer = (rest: Partial<BufferDescription> & Pick<BufferDescription, 'kind'>) => ({
    ...float,
    shape: [4],
    ...rest,
  });
  return {
    batch: 0,
    arenaBytes: 256,
    buffers: [
      buffer({ kind: 'feed' }),
      buffer({ kind: 'temporary', offset: 0 }),
      buffer({ kind: 'fetch' }),
      buffer({ kind: 'state' }),
      buffer({ kind: 'constant' }),
      buffer({ kind: 'view', of: 1, shape: [2, 2] }),
    ],
    instructions: [
      { op: 'relu', inputs: [0], outputs: [1], attributes: {} },
      { op: 'add', inputs: [1, 4], outputs: [2], attributes: {} },
    ],
  };
}

/** `base` with something changed. */
function changed<T>(base: T, change: (description: T) => void): T {
  change(base);
  return base;
}

type Change = (description: Description) => void;

const buffer =
  (id: number, patch: object): Change =>
  ({ buffers }) => {
    buffers[id] = { ...(buffers[id] as BufferDescription), ...patch };
  };

const instruction =
  (index: number, patch: object): Change =>
  ({ instructions }) => {
    instructions[index] = { ...(instructions[index] as InstructionDescription), ...patch };
  };

describe.skipIf(loaded === null)('a hand-made Program is refused for', () => {
  let programs = 0;

  beforeAll(() => {
    programs = addon.memory().programs;
  });

  afterAll(() => {
    expect(addon.memory().programs).toBe(programs);
  });

  it('nothing, when nothing is wrong', () => {
    expect(refusal(small())).toBeNull();
    expect(refusal(describeTraining())).toBeNull();
  });

  const wrong: [string, Change, RegExp][] = [
    ['an input id out of range', instruction(0, { inputs: [6] }), /instruction 0: .*ids within/],
    ['an output id out of range', instruction(0, { outputs: [99] }), /ids within/],
    ['an id below −1', instruction(0, { inputs: [-2] }), /inputs\[0\]/],
    ['an id that is no integer', instruction(0, { inputs: [0.5] }), /inputs\[0\]/],
    ['an absent operand', instruction(0, { inputs: [-1] }), /instruction 0: .*x/],
    ['a missing operand', instruction(1, { inputs: [1] }), /instruction 1: .*operand|input/],
    ['an operand too many', instruction(0, { inputs: [0, 0] }), /instruction 0/],
    ['an output too many', instruction(0, { outputs: [1, 3] }), /instruction 0/],
    ['an unknown operator', instruction(0, { op: 'relu7' }), /relu7/],
    ['an operator of the empty name', instruction(0, { op: '' }), /instruction 0/],
    ['an unknown kind', buffer(0, { kind: 'register' }), /kind of .*'register'/],
    ['an unknown dtype', buffer(0, { dtype: 'float16' }), /float16/],
    ['a negative size', buffer(0, { shape: [-4] }), /shape\[0\]/],
    ['a fractional size', buffer(0, { shape: [4.5] }), /shape\[0\]/],
    ['a size of NaN', buffer(0, { shape: [Number.NaN] }), /shape\[0\]/],
    ['rank 9', buffer(0, { shape: [1, 1, 1, 1, 1, 1, 1, 1, 4] }), /shape/],
    ['elements beyond 2^53', buffer(3, { shape: [2 ** 30, 2 ** 30] }), /buffer 3/],
    ['sizes whose product wraps', buffer(3, { shape: [2 ** 32, 2 ** 32, 2 ** 32] }), /buffer 3/],
    ['a product of 0 with giants', buffer(3, { shape: [2 ** 53, 2 ** 53, 0] }), /buffer 3/],
    ['an offset outside', buffer(1, { offset: 256 }), /passes the end of the arena/],
    ['an offset near 2^53', buffer(1, { offset: 2 ** 53 - 64 }), /passes the end/],
    ['an offset of no 64 bytes', buffer(1, { offset: 4 }), /multiple of 64/],
    ['a negative offset', buffer(1, { offset: -64 }), /offset/],
    ['no offset', buffer(1, { offset: undefined }), /multiple of 64/],
    ['a negative arena', (d) => Object.assign(d, { arenaBytes: -1 }), /arenaBytes/],
    ['an arena too small', (d) => Object.assign(d, { arenaBytes: 15 }), /passes the end/],
    ['shapes that differ', buffer(2, { shape: [5] }), /instruction 1/],
    ['ranks that differ', buffer(4, { shape: [2, 2] }), /instruction 1/],
    ['writing a constant', instruction(0, { outputs: [4] }), /writes a feed or constant/],
    ['writing a feed', instruction(1, { outputs: [0] }), /writes a feed or constant/],
    ['reading a fetch', instruction(1, { inputs: [2, 4] }), /reads a fetch/],
    ['reading what nothing wrote', (d) => d.instructions.shift(), /nothing wrote/],
    ['reading a view of what nothing wrote', instruction(0, { inputs: [5] }), /nothing wrote/],
    ['a fetch that nothing writes', (d) => d.instructions.pop(), /no instruction writes this fe/],
    ['a view of itself', buffer(5, { of: 5 }), /earlier buffer/],
    ['a view of a later buffer', buffer(5, { of: 6 }), /earlier buffer/],
    ['a view without a buffer', buffer(5, { of: undefined }), /earlier buffer/],
    ['a view of other size', buffer(5, { shape: [2, 3] }), /must have the dtype, batch and elem/],
    ['a view of other dtype', buffer(5, { dtype: 'int32' }), /must have the dtype, batch and el/],
    [
      'a view of a view',
      (d) => d.buffers.push({ ...float, shape: [4], kind: 'view', of: 5 }),
      /a view of a view/,
    ],
    ['batched without a batch', buffer(0, { batched: true }), /batch is 0/],
    [
      'a batched shape that is not the batch',
      (d) => {
        d.batch = 3;
        buffer(0, { batched: true })(d);
      },
      /first size of a batched buffer to be 3/,
    ],
    [
      'a batched scalar',
      (d) => buffer(0, { batched: true, shape: [] })(Object.assign(d, { batch: 3 })),
      /0/,
    ],
    ['a negative batch', (d) => Object.assign(d, { batch: -1 }), /batch/],
    ['a batch of 2^31', (d) => Object.assign(d, { batch: 2 ** 31 }), /batch/],
    ['threads of 0', (d) => Object.assign(d, { threads: 0 }), /threads/],
    ['threads of 4096', (d) => Object.assign(d, { threads: 4096 }), /threads/],
    ['an unknown isa', (d) => Object.assign(d, { isa: 'sse9' }), /sse9/],
  ];
  it.each(wrong)('%s', (_, change, message) => {
    const error = refusal(changed(small(), change));
    expect(error, 'it was accepted').not.toBeNull();
    expect(error?.message).toMatch(message);
    expect(error?.code).toMatch(codes);
  });

  it('mixed dtypes', () => {
    expectRefused(changed(small(), buffer(4, { dtype: 'float64' })), 'ERR_DTYPE', /instruction 1/);
    expectRefused(changed(small(), buffer(0, { dtype: 'int32' })), 'ERR_DTYPE', /instruction 0/);
  });

  it('what is no description', () => {
    for (const value of [undefined, null, 1, 'x', 5n, Symbol('s'), () => 0, [], {}]) {
      expect(refusal(value)?.code).toBe('ERR_PROGRAM');
    }
  });

  it('lists longer than 2^20, without reading them', () => {
    const description = changed(small(), ({ instructions }) => {
      instructions.length = 2 ** 32 - 1;
    });
    expectRefused(description, 'ERR_PROGRAM', /instructions to have at most 1048576/);
    const many = changed(small(), instruction(0, { inputs: new Array(2 ** 31) }));
    expectRefused(many, 'ERR_PROGRAM', /at most 64/);
  });

  it('more memory than there is, before it takes any', () => {
    const before = addon.memory().bytes;
    for (const change of [
      buffer(3, { shape: [2 ** 46] }),
      (d: Description) => Object.assign(d, { arenaBytes: 2 ** 50 }),
    ]) {
      expectRefused(changed(small(), change), 'ERR_MEMORY', /memory|bytes/);
    }
    expect(addon.memory().bytes).toBe(before);
  });

  it('two temporaries in one place while both are needed', () => {
    const overlapping = changed(small(), (d) => {
      d.buffers.push({ ...float, shape: [4], kind: 'temporary', offset: 0 });
      d.instructions.splice(1, 0, { op: 'relu', inputs: [4], outputs: [6], attributes: {} });
    });
    expectRefused(overlapping, 'ERR_PROGRAM', /instruction 2: .*something overwrote/);
  });
});

describe.skipIf(loaded === null)('a training Program is refused for', () => {
  const indexOf = (d: Description, op: string): number => {
    const index = d.instructions.findIndex((each) => each.op === op);
    expect(index, op).toBeGreaterThanOrEqual(0);
    return index;
  };
  const find = (d: Description, op: string): InstructionDescription =>
    d.instructions[indexOf(d, op)] as InstructionDescription;

  it('each attribute that is missing or of another type', () => {
    const { instructions } = describeTraining();
    // What the operator does not read, or has a default for: gatherRows takes its dtype from its
    // output, of windows that pass the image the shape of the output tells, and so on.
    const unread = ['dtype', 'scale', 'offset', 'ceilMode', 'ties', 'inputSize', 'kernelSize'];
    let tried = 0;
    instructions.forEach((each, index) => {
      for (const name of Object.keys(each.attributes)) {
        for (const value of [undefined, 'what', [1, 2, 3, 4, 5, 6, 7], Number.NaN]) {
          const description = describeTraining();
          const target = description.instructions[index] as InstructionDescription;
          target.attributes = { ...target.attributes, [name]: value as never };
          const error = refusal(description);
          if (error === null && unread.includes(name)) continue;
          expect(error, `${each.op}.${name} = ${value} was accepted`).not.toBeNull();
          expect(error?.code).toBe('ERR_PROGRAM');
          tried++;
        }
      }
    });
    expect(tried).toBeGreaterThan(80);
  });

  it.each([
    ['stride 0', 'conv2d', { stride: [0, 1] }],
    ['a negative stride', 'conv2d', { stride: [-1, -1] }],
    ['dilation 0', 'conv2d', { dilation: [0, 0] }],
    ['a dilation beyond the image', 'conv2d', { dilation: [1000, 1000] }],
    ['a dilation that overflows', 'conv2d', { dilation: [2 ** 52, 1] }],
    ['negative padding', 'conv2d', { padding: [-1, 0, 0, 0] }],
    ['giant padding', 'conv2d', { padding: [2 ** 52, 2 ** 52, 0, 0] }],
    ['groups that do not divide', 'conv2d', { groups: 3 }],
    ['groups 0', 'conv2d', { groups: 0 }],
    ['an unknown activation', 'conv2d', { activation: 'sigmoid' }],
    ['a window of 0', 'maxPool2d', { kernelSize: [0, 2] }],
    ['a giant window', 'maxPool2d', { kernelSize: [2 ** 31, 2 ** 31] }],
    ['windows beyond the image', 'maxPool2d', { stride: [4, 4] }],
    ['pooling padding above the window', 'maxPool2dGradient', { padding: [9, 0, 0, 0] }],
    ['a pooled convolution of stride 0', 'conv2dMaxPool', { stride: [0, 1] }],
    ['a pooled convolution with a window of 0', 'conv2dMaxPool', { poolKernelSize: [0, 2] }],
    ['a pooled convolution with giant windows', 'conv2dMaxPool', { poolKernelSize: [2 ** 31, 2] }],
    ['pooled windows beyond the map', 'conv2dMaxPool', { poolStride: [4, 4] }],
    ['a gradient with giant windows', 'conv2dMaxPoolGradient', { poolKernelSize: [2 ** 31, 2] }],
    ['a gradient with other windows', 'conv2dMaxPoolGradient', { poolPadding: [9, 0, 0, 0] }],
    ['a pooled convolution of unknown ties', 'conv2dMaxPool', { ties: 'most' }],
    ['channelsLast that does not divide', 'linear', { channelsLast: 5 }],
    ['an unknown reduction', 'softmaxCrossEntropy', { reduction: 'median' }],
  ])('%s', (_, op, attributes) => {
    const description = describeTraining({ fuse: op.startsWith('conv2dMaxPool') });
    const target = find(description, op);
    target.attributes = { ...target.attributes, ...attributes };
    expectRefused(
      description,
      'ERR_PROGRAM',
      new RegExp(`instruction ${indexOf(description, op)}`),
    );
  });

  it('scratch outside of the arena, over an operand, or absent', () => {
    let tried = 0;
    describeTraining().instructions.forEach(({ scratch, inputs, outputs, op }, index) => {
      if (scratch === undefined) return;
      const over = [...inputs, ...outputs].flatMap((id) => {
        const buffer = describeTraining().buffers[id];
        return buffer?.kind === 'temporary' ? [buffer.offset as number] : [];
      });
      for (const value of [undefined, 2 ** 40, scratch + 1, -64, ...over]) {
        const description = describeTraining();
        (description.instructions[index] as { scratch?: unknown }).scratch = value;
        const error = refusal(description);
        expect(error?.code, `${op} with scratch at ${value}`).toBe('ERR_PROGRAM');
        tried++;
      }
    });
    expect(tried).toBeGreaterThan(8);
  });

  it('an output over an input that it may not have', () => {
    const description = describeTraining();
    const { inputs, outputs } = find(description, 'linearInputGradient');
    const [input, output] = [inputs[0], outputs[0]].map((id) => description.buffers[id as number]);
    Object.assign(output as object, { offset: input?.offset });
    description.arenaBytes *= 2;
    expectRefused(description, 'ERR_PROGRAM', /may not share memory|overwrote/);
  });
});

describe.skipIf(loaded === null)('reading a description survives', () => {
  const thrown = new Error('thrown by a getter');

  /** All places of a value: paths of keys. */
  function* places(value: unknown, path: string[] = []): Generator<string[]> {
    if (path.length > 0) yield path;
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      yield* places((value as Record<string, unknown>)[key], [...path, key]);
    }
  }

  function put(description: Description, path: readonly string[], value: unknown): Description {
    const parent = path
      .slice(0, -1)
      .reduce<Record<string, unknown>>(
        (at, key) => at[key] as Record<string, unknown>,
        description as unknown as Record<string, unknown>,
      );
    parent[path.at(-1) as string] = value;
    return description;
  }

  const junk: unknown[] = [
    ...[undefined, null, true, 'x', '', 5n, Symbol('s'), () => 0, {}, [], [[]], new Map()],
    ...[Number.NaN, -1, -2, 0.5, 2 ** 46, 2 ** 53, 2 ** 63, 1e300, Number.POSITIVE_INFINITY],
    ...[new Float32Array(3), new ArrayBuffer(8), new Date(), Object.create(null)],
  ];

  it('every kind of value in every place', () => {
    const all = [...places(describeTraining())];
    expect(all.length).toBeGreaterThan(300);
    for (const path of all) {
      for (const value of junk) {
        const error = refusal(put(describeTraining(), path, value));
        if (error === null) continue;
        expect(error.code, `${path.join('.')} = ${typeof value}: ${error.message}`).toMatch(codes);
      }
    }
  }, 180_000);

  it('getters and proxies that throw in every place', () => {
    const traps: ProxyHandler<object> = {
      get() {
        throw thrown;
      },
      ownKeys() {
        throw thrown;
      },
    };
    for (const path of [...places(describeTraining())]) {
      const getter = describeTraining();
      const parent = path.slice(0, -1).reduce<object>((at, key) => (at as never)[key], getter);
      Object.defineProperty(parent, path.at(-1) as string, {
        enumerable: true,
        get() {
          throw thrown;
        },
      });
      expect(refusal(getter), path.join('.')).toBe(thrown);
      const trapped = refusal(put(describeTraining(), path, new Proxy({}, traps)));
      // A proxy of an object is no array, no number and no string.
      expect(trapped === thrown || codes.test(String(trapped?.code)), path.join('.')).toBe(true);
      const revoked = Proxy.revocable([], {});
      revoked.revoke();
      expect(refusal(put(describeTraining(), path, revoked.proxy)), path.join('.')).not.toBeNull();
    }
  }, 180_000);

  it('lists that change while they are read', () => {
    const description = describeTraining();
    const { buffers } = description;
    const first = buffers[0] as BufferDescription;
    Object.defineProperty(buffers, 0, {
      get() {
        buffers.length = 1;
        return first;
      },
    });
    expect(refusal(description)?.code).toMatch(codes);
  });

  it('Program called without new, and methods on other objects', () => {
    const { Program } = addon;
    expect(() => (Program as unknown as () => void)()).toThrow(TypeError);
    const program = new Program(small());
    for (const name of ['write', 'read', 'run', 'runSync', 'cancel', 'dispose'] as const) {
      const method = Program.prototype[name] as (...args: unknown[]) => unknown;
      for (const receiver of [undefined, null, {}, 5, new Map(), Object.create(program)]) {
        expect(() => method.call(receiver, 0, new Float32Array(4)), name).toThrow();
      }
    }
    program.dispose();
  });
});
