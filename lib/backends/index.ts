import { argumentError } from '../errors.ts';
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

let chosen: BackendName = 'native';

/** The backend of what does not name one. */
export function defaultBackend(): BackendName {
  return chosen;
}

/**
 * Sets the backend of operators on Tensors and of whatever names none. Default 'native'.
 * @param name 'native' or 'reference'
 * @throws ERR_ARGUMENT for another name
 */
export function setDefaultBackend(name: BackendName): void {
  chosen = backendOf(name).name;
}
