import { argumentError } from '../errors.ts';
import { hasAddon } from './addon.ts';
import type { Backend, BackendName } from './backend.ts';
import { nativeBackend } from './native.ts';
import { referenceBackend } from './reference.ts';

/** The backend of that name. Throws ERR_ARGUMENT for another name, an option of `where`. */
export function backendOf(name: BackendName, where?: string): Backend {
  if (name === 'native') return nativeBackend;
  if (name === 'reference') return referenceBackend;
  const expected = "'native' or 'reference'";
  if (where === undefined) throw argumentError('backend', expected, name);
  throw argumentError(where, `backend to be ${expected}`, name);
}

let chosen: BackendName | null = null;

/** The backend of what does not name one. Warns once when it is the reference for want of an addon. */
export function defaultBackend(): BackendName {
  chosen ??= hasAddon() ? 'native' : 'reference';
  return chosen;
}

/**
 * Sets the backend of operators on Tensors and of whatever names none. Default 'native', or
 * 'reference', with a warning, where no native addon fits the platform.
 * @param name 'native' or 'reference'
 * @throws ERR_ARGUMENT for another name
 */
export function setDefaultBackend(name: BackendName): void {
  chosen = backendOf(name).name;
}
