// sylkrtc.js of July 2015, unchanged, with the same telephones: the first vocabulary of the protocol.

import { casesOf2015 } from '../lib/sylkcases.mjs';

casesOf2015();
