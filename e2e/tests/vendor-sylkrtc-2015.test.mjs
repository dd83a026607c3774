// sylkrtc.js of July 2015, unchanged, with the same telephones: the first vocabulary of the protocol.

import { july2015 } from '../lib/sylkbench.mjs';
import { benchTests, commonCases } from '../lib/sylkcases.mjs';

commonCases(july2015, benchTests(july2015, 'sylkrtc.js of July 2015'));
