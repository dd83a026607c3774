// Where failures leave their pictures, and the list of tests that needed a second attempt.

import { fileURLToPath } from 'node:url';

export const OUT = fileURLToPath(new URL('../out/', import.meta.url));
export const RETRIES = `${OUT}retried.log`;
