import { exitCodes, print } from '../process.ts';
import { type Command, shownModel } from './common.ts';

/** `stridenet summary`: the layers of a network, with shapes, parameters and costs. */
export const summary: Command = async (settings) => {
  const net = await shownModel(settings);
  const { inputShape, outputShape, dtype } = net.architecture;
  const { classNames } = net;
  print(
    settings.json
      ? JSON.stringify(
          { inputShape, outputShape, dtype, classNames, layers: net.layers() },
          null,
          2,
        )
      : net.summary(),
  );
  return exitCodes.done;
};
