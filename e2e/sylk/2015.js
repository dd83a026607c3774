// What Chromium had in July 2015 and has no longer under that name; the library of that time looks for it when it is loaded.

window.webkitRTCPeerConnection = window.RTCPeerConnection;
navigator.webkitGetUserMedia = (constraints, done, failed) => void navigator.mediaDevices.getUserMedia(constraints).then(done, failed);
