// Today's sylkrtc.js, unchanged, with a telephone (baresip) behind a registrar (Kamailio).

import { todaysCases } from '../lib/sylkcases.mjs';

todaysCases();
