// Draws what the table beside holds, with uPlot; without a script the table tells it all.
"use strict";

const data = JSON.parse(document.getElementById("charts")?.textContent ?? "null");

function color(place) {
  return ["#417690", "#ba2121", "#6a8b00", "#8a6d3b"][place % 4];
}

function draw(place) {
  const series = data[place.dataset.chart];
  const text = getComputedStyle(document.body).color;
  const axis = { stroke: text, grid: { stroke: "rgba(128, 128, 128, .25)" } };
  const options = {
    width: place.clientWidth, height: 200,
    axes: [{ ...axis }, { ...axis, size: 60 }],
    scales: { y: { range: (plot, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    series: [{}, ...series.map((one, number) => ({
      label: one.name, stroke: color(number), width: 2, points: { show: data.days.length < 40 },
    }))],
  };
  new uPlot(options, [data.days, ...series.map((one) => one.values)], place);
}

if (data) document.querySelectorAll("[data-chart]").forEach(draw);
